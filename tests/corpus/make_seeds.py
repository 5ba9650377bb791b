#!/usr/bin/env python3
"""Writes the seeds of the fuzzers: one folder for each `*_fuzz.cpp`, a few small inputs each.

They are committed, so that a fuzzer starts beyond the first checks of its parser. Run this again
after a format changed; keys and certificates are new each time. Needs openssl's command line.
"""

import base64
import hashlib
import json
import pathlib
import struct
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))
from harness import base64url, cbor  # noqa: E402

LIMIT = 2048


def text(*lines):
    return "\r\n".join(lines).encode()


def sha(data):
    return hashlib.sha256(data).digest()


# -------------------------------------------------------------------------------------------- http

HTTP1 = {
    "get": text("GET /app/log/private?id=42 HTTP/1.1", "host: a", "accept: */*", "", ""),
    "post": text("POST /app/log HTTP/1.1", "content-type: application/json", "content-length: 11", "", '{"id":1,"m"'),
    "pipelined": text("GET /a HTTP/1.1", "", "") + text("PUT /b HTTP/1.1", "content-length: 2", "", "xx")
    + text("HEAD /c HTTP/1.0", "connection: close", "", ""),
    "chunked": text("POST / HTTP/1.1", "transfer-encoding: chunked", "", "5;e=1", "hello", "a", "0123456789", "0",
                    "trailer: t", "", ""),
    "absolute": text("OPTIONS http://host:1/path%20x?a=b&c HTTP/1.1", "expect: 100-continue", "upgrade: h2c", "", ""),
    "two_lengths": text("POST / HTTP/1.1", "content-length: 1", "content-length: 1", "", "x"),
    "limits": text("GET /" + "p" * 120 + " HTTP/1.1", *(f"h{i}: {'v' * 60}" for i in range(8)), "", ""),
}


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def literal(name, value):
    return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value


HTTP2_GET = b"\x82\x87\x84" + b"\x41\x01a"  # GET, https, /, :authority
HTTP2_POST = b"\x83\x87" + literal(b":path", b"/app/log") + b"\x41\x01a" + literal(b"content-length", b"4")
SETTINGS = frame(4, 0, 0, struct.pack(">HI", 3, 10) + struct.pack(">HI", 4, 70000))


def http2(how, step, *frames):
    """What the fuzzer reads: preface or not, dropped answers or not, how many bytes at a time."""
    return bytes([how, step]) + b"".join(frames)


HTTP2 = {
    "get": http2(1, 255, SETTINGS, frame(1, 5, 1, HTTP2_GET), frame(4, 1, 0)),
    "post": http2(1, 20, SETTINGS, frame(1, 4, 1, HTTP2_POST), frame(0, 1, 1, b"body")),
    "later": http2(3, 40, SETTINGS, frame(1, 5, 1, HTTP2_GET + literal(b"a", b"1")),
                   frame(1, 5, 3, HTTP2_GET + literal(b"a", b"1"))),
    "continued": http2(1, 7, SETTINGS, frame(1, 1, 1, HTTP2_GET[:3]), frame(9, 4, 1, HTTP2_GET[3:])),
    "windows": http2(1, 100, SETTINGS, frame(1, 5, 1, HTTP2_GET), frame(8, 0, 0, struct.pack(">I", 1 << 20)),
                     frame(8, 0, 1, struct.pack(">I", 1 << 20)), frame(6, 0, 0, b"12345678")),
    "reset": http2(1, 100, SETTINGS, frame(1, 4, 1, HTTP2_POST), frame(3, 0, 1, struct.pack(">I", 8)),
                   frame(2, 0, 1, b"\0\0\0\0\x10"), frame(7, 0, 0, bytes(8))),
    "padded": http2(1, 3, SETTINGS, frame(1, 0x0c, 1, b"\x04" + HTTP2_POST + bytes(4)), frame(0, 9, 1, b"\x02bodyxx")),
    "no_preface": http2(0, 255, SETTINGS),
}

QUERIES = {
    "query": b"id=42&id=43&flag=true&empty=&%6bey=%20x+y",
    "bad_escape": b"a=%zz&b=%&c=%2",
    "accept": b"application/json;q=0.5, text/*;q=0, */*",
    "prefer": b"respond-async, wait=10; foo, handling=lenient",
    "etags": b'"a", W/"b", "tag"',
    "any_etag": b"*",
    "template": b"/app/records/{key}/x/{other}\n/app/records/a%20b/x/c",
    "template_extension": b"/app/{name}.json\n/app/a.json",
}


def jwt(header, payload, signature=b"s" * 64):
    encode = lambda part: base64url(json.dumps(part).encode())
    return f"{encode(header)}.{encode(payload)}.{base64url(signature)}".encode()


JWTS = {
    "rs256": jwt({"alg": "RS256", "typ": "JWT", "kid": "key"},
                 {"iss": "https://example.com", "nbf": 1, "exp": 2000000000, "sub": "x", "aud": ["a"]}),
    "tenant": b"Bearer " + jwt({"alg": "ES256", "kid": "k"},
                               {"iss": "https://login.microsoftonline.com/t1/v2.0", "tid": "t1", "exp": 1}),
    "no_dots": b"Bearer abc",
    "not_json": b"Bearer e30.e30.AA",
    "deep": b"Bearer " + jwt({"alg": "none"}, {"a": [[[[[[[[{"b": 1}]]]]]]]]}),
}

# ----------------------------------------------------------------------------------- CBOR and COSE

CBORS = {
    "map": cbor({1: -7, 4: b"kid", "text": [True, False, None, -1, 1 << 40]}),
    "nested": cbor([[[[{}], []], b""], "ü"]),
    "tagged": b"\xd2" + cbor([b"", {}, None, b""]),
    "lengths": b"\x98\x02\x18\x18\x19\x01\x00",
    "long_forms": b"\x1b\0\0\0\0\0\0\0\x01",
    "simple": b"\x85\xf4\xf5\xf6\xf7\xe0",
    "indefinite": b"\x9f\x01\xff",
    "float": b"\xfb\x3f\xf0\0\0\0\0\0\0",
}


def sign1(protected, payload, unprotected=None, tag=b"\xd2"):
    return tag + cbor([cbor(protected) if protected else b"", unprotected or {}, payload, bytes(range(64))])


PROOF = cbor({1: [sha(b"w"), "ce:2.3:" + "0" * 64, sha(b"c")], 2: [[True, sha(b"l")], [False, sha(b"r")]]})
LEDGER_HEADER = {1: -7, 4: b"ab" * 32, 395: 2, 15: {6: 1700000000, 1: "issuer", 2: "subject"}, "ccf.v1": {"txid": "2.4"}}
COSES = {
    "signed": sign1({1: -7, 4: b"kid"}, b"payload"),
    "untagged": sign1({1: -35}, b"payload", tag=b""),
    "detached": sign1({1: -7, 4: b"kid", "ccf.gov.msg.type": "proposal"}, None),
    "receipt": sign1(LEDGER_HEADER, None, {396: {-1: [PROOF]}}),
    "empty_header": sign1({}, b""),
}

# ------------------------------------------------------------------------------------ certificates


def openssl(*arguments):
    return subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True).stdout


def certificates():
    out = {}
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        key, request, cert = folder / "key", folder / "request", folder / "cert"
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
        openssl("req", "-new", "-x509", "-key", key, "-days", "30", "-subj", "/CN=seed/O=o", "-out", cert, "-addext",
                "subjectAltName=IP:127.0.0.1,DNS:example.com")
        openssl("req", "-new", "-key", key, "-subj", "/CN=seed", "-out", request)
        out["certificate.der"] = openssl("x509", "-in", cert, "-outform", "DER")
        out["certificate.pem"] = cert.read_bytes()
        out["chain.pem"] = cert.read_bytes() * 2
        out["request.der"] = openssl("req", "-in", request, "-outform", "DER")
        out["request.pem"] = request.read_bytes()
        out["public_key.der"] = openssl("ec", "-in", key, "-pubout", "-outform", "DER")
        # Made here and thrown away; it protects nothing.
        out["private_key.pem"] = openssl("pkcs8", "-topk8", "-nocrypt", "-in", key)
        rsa = folder / "rsa"
        openssl("genrsa", "-out", rsa, "2048")
        out["rsa_public_key.der"] = openssl("rsa", "-in", rsa, "-pubout", "-outform", "DER")
    return out


# ------------------------------------------------------------------------------------------ ledger


def lp(data):
    return struct.pack("<Q", len(data)) + data


def map_record(name, writes=(), removals=()):
    out = lp(name.encode()) + struct.pack("<QQQ", 0, 0, len(writes))
    for key, value in writes:
        out += lp(key) + lp(value)
    return out + struct.pack("<Q", len(removals)) + b"".join(map(lp, removals))


def entry(seqno, maps, private=b"", flags=0, kind=4, view=2):
    public = bytes([kind]) + struct.pack("<Q", seqno)
    if kind in (2, 4):
        public += bytes(32)
    if kind in (3, 4):
        public += sha(b"evidence")
    public += struct.pack("<Q", 0) + maps
    rest = bytes(16) + struct.pack("<QI", seqno, view) + lp(public) + private
    return bytes([1, flags]) + len(rest).to_bytes(6, "little") + rest


UNIT = bytes(8)


def tree(first, leaves):
    hashes = b"".join(sha(bytes([i])) for i in range(leaves + bin(first).count("1")))
    return struct.pack(">QQ", leaves, first) + hashes


TREES = {"one": tree(0, 1), "five": tree(0, 5), "from_six": tree(6, 3), "from_seven": tree(7, 9),
         "far": tree((1 << 40) + 5, 2)}


def signature_json(seqno, certificate=None):
    value = {"commit_seqno": 0, "commit_view": 0, "hashed_nonce": "0" * 64, "node": sha(b"n").hex(),
             "root": sha(b"r").hex(), "seqno": seqno, "sig": base64.b64encode(bytes(70)).decode(), "view": 2}
    if certificate:
        value["cert"] = certificate
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def signature_entry(seqno, flags=0):
    cose = json.dumps(base64.b64encode(sign1(LEDGER_HEADER, None)).decode()).encode()
    maps = (map_record("public:ccf.internal.cose_signatures", [(UNIT, cose)])
            + map_record("public:ccf.internal.signatures", [(UNIT, signature_json(seqno))])
            + map_record("public:ccf.internal.tree", [(UNIT, tree(0, seqno))]))
    return entry(seqno, maps, flags=flags)


WRITES = (map_record("public:a", [(b"k", b"v"), (b"kk", b"")], [b"x"]) + map_record("public:b", [], [b"", b"y"]))
SERVICE = map_record("public:ccf.gov.service.info", [(UNIT, b'{"cert":"-","status":"Opening"}')])
ENTRIES = {
    "public": entry(2, WRITES),
    "private": entry(3, map_record("public:a", [(b"k", b"v")]), private=bytes(40)),
    "no_claims": entry(4, WRITES, kind=3),
    "oldest": entry(5, WRITES, kind=0, flags=1),
    "claims_only": entry(6, WRITES, kind=2, flags=2),
    "signature": signature_entry(3),
    "maps": WRITES,
    "snapshot": entry(1, WRITES, kind=1, view=2 | 1 << 31),
}
CHUNKS = {  # the first byte: name of the file, as it is or completed, text or JSON
    "open": bytes([0]) + entry(1, SERVICE) + signature_entry(2),
    "committed": bytes([1 + 8]) + entry(1, SERVICE) + signature_entry(2, flags=1),
    "short": bytes([2]) + entry(1, SERVICE),
    "named": bytes([3 + 8]) + entry(1, SERVICE) + entry(2, WRITES, private=bytes(30)) + signature_entry(3),
    "torn": bytes([4]) + bytes(8) + entry(1, SERVICE) + signature_entry(2)[:100],
    "table": bytes([5]) + struct.pack("<Q", 8 + len(entry(1, SERVICE))) + entry(1, SERVICE) + struct.pack("<I", 8),
}


# ---------------------------------------------------------------------------------- between nodes


def consensus(kind, *numbers, view=4, tail=b""):
    return struct.pack("<BQ", kind, view) + struct.pack(f"<{len(numbers)}Q", *numbers) + tail


def append_entries(view, prev, end, entries_view):
    return consensus(0, *prev, end, entries_view, prev[1], 9, view=view)


CONSENSUS = {
    "append": append_entries(4, (2, 7), 9, 4),
    "heartbeat": append_entries(4, (4, 7), 7, 4),
    "response": struct.pack("<BQBQQQQ", 1, 4, 0, 9, 0, 0, 9),
    "refusal": struct.pack("<BQBQQQQ", 1, 5, 2, 0, 2, 6, 9),
    "pre_vote": consensus(2, 4, 9), "vote": consensus(3, 4, 9),
    "pre_vote_response": consensus(4, tail=b"\1"), "vote_response": consensus(5, tail=b"\0"),
    "propose_vote": consensus(6),
    "removed": consensus(7, 4, 9, tail=struct.pack("<I", 7) + b"receipt"),
}


def arrival(head, *entries):
    return struct.pack("<I", len(head)) + head + b"".join(entries)


NODE_ROW = b'{"node_to_node_interface":{"published_address":"127.0.0.1:1"},"status":"Trusted"}'
NODES = map_record("public:ccf.gov.nodes.info", [(b"n" * 64, NODE_ROW)])
ARRIVALS = {
    "entries": arrival(append_entries(2, (2, 1), 3, 2), entry(2, WRITES), entry(3, b"", private=bytes(40))),
    "nodes": arrival(append_entries(2, (2, 1), 2, 2), entry(2, NODES)),
    "signature": arrival(append_entries(2, (2, 2), 3, 2), signature_entry(3)),
    "heartbeat": arrival(CONSENSUS["heartbeat"]), "vote": arrival(CONSENSUS["vote"]),
}
FRAMES = {
    "three": struct.pack("<IB", 3, 1) + b"abc" + struct.pack("<IB", 0, 2) + struct.pack("<IB", 1, 3) + b"x",
    "long": struct.pack("<IB", 301, 1) + bytes(301), "unknown": struct.pack("<IB", 1, 9) + b"x",
}


def field(content):
    return struct.pack("<I", len(content)) + content


FORWARDED = {
    "request": struct.pack("<QQBQQQ", 1, 2, 1, 4, 4, 9) + field(b"main") + field(b"") + b"\1"
    + field(b"/app/log?id=1") + struct.pack("<H", 1) + field(b"accept") + field(b"*/*") + field(b"{}"),
    "response": struct.pack("<QBQQHB", 1, 1, 4, 9, 200, 1) + struct.pack("<H", 1) + field(b"etag") + field(b"1")
    + field(b"true"),
}


def receipts(certificate):
    encode = lambda value: json.dumps(value, separators=(",", ":"), sort_keys=True).encode()
    b64 = lambda data: base64.b64encode(data).decode()
    components = {"claims_digest": "0" * 64, "commit_evidence": "ce:2.3:" + "0" * 64,
                  "write_set_digest": sha(b"w").hex()}
    common = {"cert": certificate, "node_id": sha(b"n").hex(), "signature": b64(bytes(70))}
    proof = [{"left": sha(b"l").hex()}, {"right": sha(b"r").hex()}]
    endorsement = sign1({1: -7, 4: b"kid", "ccf.v1": {"epoch.start.txid": "2.1", "epoch.end.txid": "2.9"}}, b"key")
    return {
        "transaction": encode({**common, "leaf_components": components, "proof": proof}),
        "signature": encode({**common, "leaf": sha(b"x").hex(), "proof": []}),
        "endorsed": encode({**common, "leaf_components": components, "proof": [], "service_endorsements": ["-"]}),
        "cose": COSES["receipt"],
        "node_signature": signature_json(7, certificate),
        "cose_signature": sign1(LEDGER_HEADER, None),
        "cose_signature_value": encode(b64(sign1(LEDGER_HEADER, None))),
        "cose_endorsement": endorsement,
        "endorsement_record": encode({"endorsement": b64(endorsement), "endorsing_key": b64(b"spki"),
                                      "endorsement_epoch_begin": "2.1", "endorsement_epoch_end": "2.9",
                                      "previous_version": 3}),
        "shares": encode({"encrypted_shares": {"m": b64(bytes(20))}, "previous_secret_stored_version": 1,
                          "wrapped_latest_ledger_secret": b64(bytes(60))}),
        "historical": encode({"next_version": 9, "previous_ledger_secret": {
            "encrypted_data": b64(bytes(60)), "version": 1, "previous_secret_stored_version": 1}}),
    }


def web_keys(certificate):
    encode = lambda value: json.dumps(value, separators=(",", ":")).encode()
    ec = {"kty": "EC", "crv": "P-256", "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
          "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM", "d": "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"}
    okp = {"kty": "OKP", "crv": "Ed25519", "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
           "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    rsa = {"kty": "RSA", "n": base64url(b"\xff" * 256), "e": "AQAB"}
    parts = {name: base64url(bytes([9]) * 128) for name in ("p", "q", "dp", "dq", "qi")}
    der = base64.b64encode(certificate).decode()
    return {"ec": encode(ec), "okp": encode(okp), "x25519": encode({**okp, "crv": "X25519"}), "rsa": encode(rsa),
            "rsa_pair": encode({**rsa, "d": base64url(b"\x11" * 256), **parts}),
            "element": encode({"kid": "k", "kty": "EC", "x5c": [der], "issuer": "https://a"})}


# ---------------------------------------------------------------------------------------------- js

def script(through_bytecode, *lines):
    return bytes([through_bytecode]) + "\n".join(lines).encode()


SCRIPTS = {
    "function": script(1, "export function f(text, json) {", "  return {body: json.a[1].b ?? text, n: 1e3};", "}"),
    "constitution": script(0, "const actions = new Map([['a', {validate(x) { if (x?.y) throw new Error('no'); }}]]);",
                           "export function validate(input) {", "  let errors = [];",
                           "  for (const [name, action] of actions) {", "    try { action.validate(JSON.parse('{}')); }",
                           "    catch (e) { errors.push(`${name}: ${e}\\n${e.stack}`); }", "  }",
                           "  return {valid: errors.length === 0, description: errors.join(', ')};", "}"),
    "classes": script(1, "class A { #x = 1; static s = [...'ab']; get x() { return this.#x; } }",
                      "class B extends A { constructor() { super(); this.y = super.x; } }",
                      "export default (t, {a: [b, ...c]} = {}) => new B().y + c.length;"),
    "generators": script(1, "function* g() { try { yield* [1, 2]; } finally { yield 3; } }",
                         "export async function f() { for (const x of g()) await x; for await (const y of g()) { } }"),
    "proxy": script(0, "const p = new Proxy([], {get(t, k, r) { return k in t ? t[k] : p; }});",
                    "export const f = () => host.each(x => p[x] + host.echo({toString() { return 'abort'; }}));"),
    "imports": script(1, "import d, {f as g} from './abc.js'; import * as all from 'xyz';", "export * from './abc.js';",
                      "export {g as f}; globalThis.p = import('./q.js'); export default () => d() + all.f;"),
    "regexp": script(1, "export const f = t => t.replace(/(?<a>[a-z]+)(?=\\w)|\\u{1f600}/giu, (m, x) => x)",
                     "  .split(/(a|b)*/).map(s => s.normalize('NFD').padEnd(9, 'xy').at(-1)).join();"),
    "buffers": script(0, "export function f() { const b = new ArrayBuffer(16, {maxByteLength: 64}), v = new DataView(b);",
                      "  v.setBigInt64(0, 2n ** 62n); b.resize(8); const u = new Uint16Array(b).fill(7);",
                      "  u.sort((x, y) => (b.resize(2), x - y)); return host.echo(b.transfer(4)); }"),
    "json": script(0, "export function f(t, j) { j.j = [j.a]; return JSON.parse(JSON.stringify(j, (k, v) => v, 2),",
                   "  function (k, v) { delete this[k]; return v; }); }"),
    "arrays": script(1, "export function f() { const a = [3, , 1]; a.length = 70; Object.defineProperty(a, 5, {get() {",
                     "  a.length = 2; return 9; }}); return a.concat([[4]], new Set([1])).flat().sort().splice(1, 3);",
                     "}", "export default () => Array.prototype.indexOf.call({length: 2 ** 53}, 1);"),
    "dates": script(1, "label: for (const d of [0, NaN, 8.64e15]) { switch (typeof d) { case 'number': continue label; } }",
                    "export const f = () => [new Date(2020, 1).toISOString(), Date.parse('2020-01-01'), 0.1.toFixed(20),",
                    "  (255).toString(2), BigInt.asIntN(8, 300n), 5n ** 50n / 3n, Math.random(), Symbol('s').description];"),
    "greedy": script(0, "export function f() { try { f(); } catch (e) { const a = []; for (;;) a.push(`${e}`, a); } }",
                     "export default function () { for (;;) try { throw null; } finally { continue; } }"),
}


def governance():
    encode = lambda value: json.dumps(value, separators=(",", ":")).encode()
    header = {1: -7, 4: b"0" * 64, "ccf.gov.msg.type": "proposal", "ccf.gov.msg.created_at": 1750000000}
    actions = {"actions": [{"name": "set_user", "args": {"cert": "-----BEGIN CERTIFICATE-----", "user_data": None}}]}
    ballot = lambda body: b"\x02" + encode({"ballot": "export function vote(p, by) {" + body + "}"})
    return {
        "envelope": b"\x00" + sign1(header, encode(actions)),
        "proposal": b"\x01" + encode(actions), "proposal_text": b"\x01not JSON",
        "ballot_yes": ballot("return true;"),
        "ballot_reads": ballot("return ccf.kv['public:ccf.gov.members.info'].size > JSON.parse(p).actions.length;"),
        "ballot_writes": ballot("ccf.kv['public:ccf.gov.users.certs'].clear();"),
        "ballot_throws": ballot("throw {toString() { throw 1; }};"),
        "ballot_endless": ballot("for (;;) {}"), "ballot_other": b"\x02" + encode({"ballot": 7}),
        "ack": b"\x03" + encode({"stateDigest": ""}),
        "header": b"\x04" + cbor(header),
    }


def main():
    x509 = certificates()
    corpora = {
        "http1_fuzz": HTTP1, "http2_fuzz": HTTP2, "query_fuzz": QUERIES, "jwt_fuzz": JWTS, "cbor_fuzz": CBORS,
        "cose_fuzz": COSES, "x509_fuzz": x509, "merkle_fuzz": TREES, "entry_fuzz": ENTRIES, "chunk_fuzz": CHUNKS,
        "receipt_fuzz": receipts(x509["certificate.pem"].decode()),
        "gov_fuzz": governance(),
        "jwk_fuzz": web_keys(x509["certificate.der"]),
        "js_fuzz": SCRIPTS,
        "messages_codec_fuzz": CONSENSUS, "arrival_fuzz": ARRIVALS, "link_fuzz": FRAMES, "forwarded_fuzz": FORWARDED,
    }
    for target, seeds in corpora.items():
        folder = HERE / target
        folder.mkdir(exist_ok=True)
        for name, content in seeds.items():
            if len(content) > LIMIT:
                sys.exit(f"{target}/{name}: {len(content)} bytes are too many")
            (folder / name).write_bytes(content)
        print(f"{target}: {len(seeds)} seeds, {sum(map(len, seeds.values()))} bytes")
    fuzzers = {path.stem for path in (HERE.parents[1] / "src").rglob("*_fuzz.cpp")}
    if fuzzers != set(corpora):
        sys.exit(f"seeds and fuzzers differ: {sorted(fuzzers ^ set(corpora))}")


if __name__ == "__main__":
    main()

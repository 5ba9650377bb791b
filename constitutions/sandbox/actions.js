// The actions that proposals of this constitution may name. Each has
//   validate(args)            throws with a reason if the arguments are not well formed
//   apply(args, proposalId)   changes the tables of the service
// Further files may add theirs with actions.set(name, action), after this one.
const actions = new Map();

function requireThat(condition, reason) {
  if (!condition) throw new Error(reason);
}

// Exactly these arguments, of these types: `required` and `optional` map names to typeof names.
function checkArguments(args, required, optional = {}) {
  requireThat(
    typeof args === "object" && args !== null && !Array.isArray(args),
    "arguments must be an object"
  );
  for (const [name, type] of Object.entries(required)) {
    requireThat(typeof args[name] === type, `argument '${name}' must be of type ${type}`);
  }
  for (const name of Object.keys(args)) {
    const type = required[name] ?? optional[name];
    requireThat(type !== undefined, `argument '${name}' is not known`);
    requireThat(typeof args[name] === type, `argument '${name}' must be of type ${type}`);
  }
}

function checkIdentity(id) {
  requireThat(/^[0-9a-f]{64}$/.test(id), "an identity is 64 lower-case hex digits");
}

const encode = (value) => ccf.jsonCompatibleToBuf(value);
const bytesOf = (text) => ccf.strToBuf(text);
const emptyKey = () => new ArrayBuffer(8); // the one key of tables with one row

actions.set("set_user", {
  validate(args) {
    checkArguments(args, { cert: "string" }, { user_data: "object" });
    requireThat(
      args.cert.startsWith("-----BEGIN CERTIFICATE-----"),
      "argument 'cert' must be a PEM certificate"
    );
  },
  apply(args) {
    const id = bytesOf(ccf.pemToId(args.cert));
    ccf.kv["public:ccf.gov.users.certs"].set(id, bytesOf(args.cert));
    const info = ccf.kv["public:ccf.gov.users.info"];
    if (args.user_data) {
      info.set(id, encode({ user_data: args.user_data }));
    } else {
      info.delete(id);
    }
  },
});

actions.set("remove_user", {
  validate(args) {
    checkArguments(args, { user_id: "string" });
    checkIdentity(args.user_id);
  },
  apply(args) {
    const id = bytesOf(args.user_id);
    ccf.kv["public:ccf.gov.users.certs"].delete(id);
    ccf.kv["public:ccf.gov.users.info"].delete(id);
  },
});

actions.set("set_constitution", {
  validate(args) {
    checkArguments(args, { constitution: "string" });
    requireThat(args.constitution.length > 0, "the constitution is empty");
  },
  apply(args) {
    ccf.kv["public:ccf.gov.constitution"].set(emptyKey(), encode(args.constitution));
  },
});

actions.set("transition_service_to_open", {
  validate(args) {
    checkArguments(args, { next_service_identity: "string" }, { previous_service_identity: "string" });
  },
  apply(args) {
    const row = ccf.kv["public:ccf.gov.service.info"].get(emptyKey());
    requireThat(row !== undefined, "there is no service");
    const service = ccf.bufToJsonCompatible(row);
    requireThat(
      service.cert === args.next_service_identity,
      "next_service_identity is not the certificate of this service"
    );
    ccf.node.transitionServiceToOpen(
      args.previous_service_identity ? bytesOf(args.previous_service_identity) : undefined,
      bytesOf(args.next_service_identity)
    );
  },
});

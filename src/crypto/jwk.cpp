#include "crypto/jwk.h"

#include <algorithm>

#include "base/encoding.h"
#include "crypto/secret.h"
#include "crypto/x509.h"

namespace entente::crypto {

namespace {

/// Longer texts cannot be a number of a key that this room takes (RSA of 8192 bits).
constexpr size_t max_number_text = 2048;
constexpr size_t max_certificate_text = 64 * 1024;

Result<std::string_view> text_member(const json::object& jwk, std::string_view name) {
  const json::value* found = jwk.if_contains(name);
  if (found == nullptr) return Error{"JSON web key has no `" + std::string(name) + "`"};
  if (!found->is_string()) {
    return Error{"`" + std::string(name) + "` of the JSON web key is not a string"};
  }
  return std::string_view(found->get_string());
}

Result<Bytes> number_member(const json::object& jwk, std::string_view name) {
  const Result<std::string_view> text = text_member(jwk, name);
  if (!text.ok()) return text.error();
  if (text->size() <= max_number_text) {
    if (std::optional<Bytes> bytes = from_base64url(*text); bytes && !bytes->empty()) {
      return std::move(*bytes);
    }
  }
  return Error{"`" + std::string(name) + "` of the JSON web key is not a base64url number"};
}

/// A number of a known length; some issuers drop leading zeros.
Result<Bytes> sized_member(const json::object& jwk, std::string_view name, size_t size) {
  Result<Bytes> number = number_member(jwk, name);
  if (!number.ok()) return number.error();
  if (number->size() > size) {
    return Error{"`" + std::string(name) + "` of the JSON web key has " +
                 std::to_string(number->size()) + " bytes, more than the " + std::to_string(size) +
                 " of its curve"};
  }
  number->insert(number->begin(), size - number->size(), 0);
  return number;
}

template <typename Named>
Result<Named> one_named(const json::object& jwk, std::initializer_list<Named> choices) {
  const Result<std::string_view> name = text_member(jwk, "crv");
  if (!name.ok()) return name.error();
  const auto found = std::find_if(choices.begin(), choices.end(),
                                  [&](Named choice) { return name_of(choice) == *name; });
  if (found == choices.end()) {
    return Error{"`crv` of the JSON web key is a curve that is not supported"};
  }
  return *found;
}

Result<Curve> curve_member(const json::object& jwk) {
  return one_named(jwk, {Curve::p256, Curve::p384, Curve::p521});
}
Result<OctetCurve> octet_curve_member(const json::object& jwk) {
  return one_named(jwk, {OctetCurve::ed25519, OctetCurve::x25519});
}

Result<void> expect_kind(const json::object& jwk, std::string_view kind) {
  const Result<std::string_view> found = text_member(jwk, "kty");
  if (!found.ok()) return found.error();
  if (*found != kind) {
    return Error{"`kty` of the JSON web key is not " + std::string(kind)};
  }
  return {};
}

Result<PublicKey> ec_public_of(const json::object& jwk) {
  const Result<Curve> curve = curve_member(jwk);
  if (!curve.ok()) return curve.error();
  const Result<Bytes> x = sized_member(jwk, "x", coordinate_size(*curve));
  if (!x.ok()) return x.error();
  const Result<Bytes> y = sized_member(jwk, "y", coordinate_size(*curve));
  if (!y.ok()) return y.error();
  Result<PublicKey> key = PublicKey::from_coordinates(*curve, *x, *y);
  if (!key.ok()) return key.error().at("`x`, `y` of the JSON web key");
  return key;
}

Result<RsaPublicKey> rsa_public_of(const json::object& jwk) {
  const Result<Bytes> n = number_member(jwk, "n");
  if (!n.ok()) return n.error();
  const Result<Bytes> e = number_member(jwk, "e");
  if (!e.ok()) return e.error();
  Result<RsaPublicKey> key = RsaPublicKey::from_components(*n, *e);
  if (!key.ok()) return key.error().at("`n`, `e` of the JSON web key");
  return key;
}

Result<Bytes> spki_from_x5c(const json::value& chain) {
  const std::string place = "`x5c` of the JSON web key";
  const json::array* list = chain.if_array();
  if (list == nullptr || list->empty() || !list->front().is_string()) {
    return Error{place + " is not a list of base64 texts"};
  }
  const std::string_view text = list->front().get_string();
  std::optional<Bytes> der;
  if (text.size() <= max_certificate_text) der = from_base64(text);
  if (!der) return Error{place + ": first certificate is not base64"};
  const Result<Certificate> certificate = Certificate::from_der(*der);
  if (!certificate.ok()) return certificate.error().at(place);
  if (const Result<PublicKey> key = certificate->public_key(); key.ok()) return key->der();
  const Result<RsaPublicKey> key = certificate->rsa_public_key();
  if (!key.ok()) return Error{place + ": key of the certificate is neither EC nor RSA"};
  return key->der();
}

struct RsaMember {
  std::string_view name;
  Bytes RsaKeyPair::Numbers::*number;
};
constexpr RsaMember rsa_members[] = {
    {"n", &RsaKeyPair::Numbers::n},   {"e", &RsaKeyPair::Numbers::e},
    {"d", &RsaKeyPair::Numbers::d},   {"p", &RsaKeyPair::Numbers::p},
    {"q", &RsaKeyPair::Numbers::q},   {"dp", &RsaKeyPair::Numbers::dp},
    {"dq", &RsaKeyPair::Numbers::dq}, {"qi", &RsaKeyPair::Numbers::qi}};

struct WipedNumbers {
  RsaKeyPair::Numbers numbers;
  ~WipedNumbers() {
    for (const RsaMember& member : rsa_members) wipe(numbers.*member.number);
  }
};

}  // namespace

Result<Bytes> spki_from_jwk(const json::object& jwk) {
  if (jwk.contains("n") && jwk.contains("e")) {
    const Result<RsaPublicKey> key = rsa_public_of(jwk);
    if (!key.ok()) return key.error();
    return key->der();
  }
  if (jwk.contains("x") && jwk.contains("y") && jwk.contains("crv")) {
    const Result<PublicKey> key = ec_public_of(jwk);
    if (!key.ok()) return key.error();
    return key->der();
  }
  if (const json::value* chain = jwk.if_contains("x5c")) return spki_from_x5c(*chain);
  return Error{"JSON web key has neither `n` and `e`, nor `x`, `y` and `crv`, nor `x5c`"};
}

// ---- elliptic curves

Result<PublicKey> ec_public_key_from_jwk(const json::object& jwk) {
  if (const auto kind = expect_kind(jwk, "EC"); !kind.ok()) return kind.error();
  return ec_public_of(jwk);
}

Result<KeyPair> ec_key_pair_from_jwk(const json::object& jwk) {
  const Result<PublicKey> key = ec_public_key_from_jwk(jwk);
  if (!key.ok()) return key.error();
  Result<Bytes> d = sized_member(jwk, "d", coordinate_size(key->curve()));
  if (!d.ok()) return d.error();
  const WipeAtExit wiped(*d);
  Result<KeyPair> pair = KeyPair::from_scalar(key->curve(), *d);
  if (!pair.ok()) return pair.error().at("`d` of the JSON web key");
  if (!(pair->public_key() == *key)) {
    return Error{"`d` of the JSON web key does not belong to its `x` and `y`"};
  }
  return pair;
}

json::object to_jwk(const PublicKey& key) {
  const size_t size = coordinate_size(key.curve());
  const BytesView point = BytesView(key.der()).last(2 * size);
  return {{"kty", "EC"},
          {"crv", name_of(key.curve())},
          {"x", to_base64url(point.first(size))},
          {"y", to_base64url(point.last(size))}};
}

json::object to_jwk(const KeyPair& key) {
  json::object jwk = to_jwk(key.public_key());
  Bytes d = key.scalar();
  const WipeAtExit wiped(d);
  jwk["d"] = to_base64url(d);
  return jwk;
}

// ---- RSA

Result<RsaPublicKey> rsa_public_key_from_jwk(const json::object& jwk) {
  if (const auto kind = expect_kind(jwk, "RSA"); !kind.ok()) return kind.error();
  return rsa_public_of(jwk);
}

Result<RsaKeyPair> rsa_key_pair_from_jwk(const json::object& jwk) {
  if (const auto kind = expect_kind(jwk, "RSA"); !kind.ok()) return kind.error();
  if (jwk.contains("oth")) return Error{"JSON web key has more than two primes"};
  WipedNumbers wiped;
  for (const RsaMember& member : rsa_members) {
    Result<Bytes> number = number_member(jwk, member.name);
    if (!number.ok()) return number.error();
    wiped.numbers.*member.number = std::move(*number);
  }
  Result<RsaKeyPair> key = RsaKeyPair::from_numbers(wiped.numbers);
  if (!key.ok()) return key.error().at("JSON web key");
  return key;
}

json::object to_jwk(const RsaPublicKey& key) {
  const RsaPublicKey::Numbers numbers = key.numbers();
  return {{"kty", "RSA"}, {"n", to_base64url(numbers.n)}, {"e", to_base64url(numbers.e)}};
}

json::object to_jwk(const RsaKeyPair& key) {
  json::object jwk{{"kty", "RSA"}};
  const WipedNumbers wiped{key.numbers()};
  for (const RsaMember& member : rsa_members) {
    jwk[member.name] = to_base64url(wiped.numbers.*member.number);
  }
  return jwk;
}

// ---- octet key pairs

Result<OctetPublicKey> octet_public_key_from_jwk(const json::object& jwk) {
  if (const auto kind = expect_kind(jwk, "OKP"); !kind.ok()) return kind.error();
  const Result<OctetCurve> curve = octet_curve_member(jwk);
  if (!curve.ok()) return curve.error();
  const Result<Bytes> x = number_member(jwk, "x");
  if (!x.ok()) return x.error();
  Result<OctetPublicKey> key = OctetPublicKey::from_raw(*curve, *x);
  if (!key.ok()) return key.error().at("`x` of the JSON web key");
  return key;
}

Result<OctetKeyPair> octet_key_pair_from_jwk(const json::object& jwk) {
  const Result<OctetPublicKey> key = octet_public_key_from_jwk(jwk);
  if (!key.ok()) return key.error();
  Result<Bytes> d = number_member(jwk, "d");
  if (!d.ok()) return d.error();
  const WipeAtExit wiped(*d);
  Result<OctetKeyPair> pair = OctetKeyPair::from_raw(key->curve(), *d);
  if (!pair.ok()) return pair.error().at("`d` of the JSON web key");
  if (pair->public_key().raw() != key->raw()) {
    return Error{"`d` of the JSON web key does not belong to its `x`"};
  }
  return pair;
}

json::object to_jwk(const OctetPublicKey& key) {
  return {{"kty", "OKP"}, {"crv", name_of(key.curve())}, {"x", to_base64url(key.raw())}};
}

json::object to_jwk(const OctetKeyPair& key) {
  json::object jwk = to_jwk(key.public_key());
  Bytes d = key.raw();
  const WipeAtExit wiped(d);
  jwk["d"] = to_base64url(d);
  return jwk;
}

}  // namespace entente::crypto

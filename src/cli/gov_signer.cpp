// Those who sign: a key in a file, or a program that keeps it.

#include <sys/wait.h>

#include <cstdio>

#include "base/encoding.h"
#include "cli/commands.h"
#include "cli/gov_client.h"
#include "crypto/secret.h"

namespace entente::cli {
namespace {

constexpr size_t longest_output = 64 << 10;

Result<crypto::Certificate> read_certificate(const std::string& path) {
  const auto pem = read_text(path);
  if (!pem) return pem.error();
  auto certificate = crypto::Certificate::from_pem(*pem);
  if (!certificate) return certificate.error().at(path);
  return certificate;
}

/// What the shell command writes when it reads `input`, a line without quotes of the shell.
Result<std::string> run_program(const std::string& command, const std::string& input) {
  const std::string piped = "printf '%s\\n' '" + input + "' | { " + command + "\n}";
  std::FILE* out = ::popen(piped.c_str(), "r");
  if (out == nullptr) return Error{command + " cannot be run"};
  std::string output;
  char buffer[4096];
  for (size_t n; (n = std::fread(buffer, 1, sizeof buffer, out)) != 0;) {
    if (output.size() < longest_output) output.append(buffer, n);
  }
  const int status = ::pclose(out);
  if (status != 0) {
    return Error{command + " ended with exit code " +
                 std::to_string(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status))};
  }
  return output;
}

}  // namespace

Result<Bytes> signature_in(const std::string& text) {
  const auto document = json::parse(text);
  if (!document) return document.error();
  const auto member = json::Reader(*document).member("value");
  if (!member) return member.error();
  const auto value = member->as_string();
  if (!value) return value.error();
  auto signature = from_base64url(*value);
  if (!signature) return Error{"value is not base64url"};
  return std::move(*signature);
}

Result<MemberSigner> signer_with_key(const std::string& certificate_file,
                                     const std::string& key_file) {
  auto certificate = read_certificate(certificate_file);
  if (!certificate) return certificate.error();
  auto pem = read_text(key_file);
  if (!pem) return pem.error();
  const crypto::WipeAtExit wiped(*pem);
  const auto key = crypto::KeyPair::from_pem(*pem);
  if (!key) return key.error().at(key_file);
  const auto public_key = certificate->public_key();
  if (!public_key) return public_key.error().at(certificate_file);
  if (!(*public_key == key->public_key())) {
    return Error{key_file + " is not the key of " + certificate_file};
  }
  MemberSigner out{*certificate, {}};
  out.sign = [certificate = *certificate, key = *key](const gov::MessageHeader& header,
                                                      BytesView payload) {
    return gov::sign_message(header, payload, certificate, key);
  };
  return out;
}

Result<MemberSigner> signer_with_program(const std::string& certificate_file,
                                         const std::string& command) {
  auto certificate = read_certificate(certificate_file);
  if (!certificate) return certificate.error();
  MemberSigner out{*certificate, {}};
  out.sign = [certificate = *certificate, command](const gov::MessageHeader& header,
                                                   BytesView payload) -> Result<Bytes> {
    const auto to_sign = gov::prepare_message(header, payload, certificate);
    if (!to_sign) return to_sign.error();
    const std::string question = json::dump(
        json::object{{"alg", to_sign->algorithm}, {"value", to_base64(to_sign->digest)}});
    const auto answer = run_program(command, question);
    if (!answer) return answer.error();
    const auto signature = signature_in(*answer);
    if (!signature) return signature.error().at("what " + command + " wrote");
    return gov::finish_message(header, payload, certificate, *signature);
  };
  return out;
}

}  // namespace entente::cli

#pragma once
// A member's side of governance: signed messages to a service, and what the service knows.
// Blocking; not thread-safe. Source: docs/governance.md (endpoints, signed messages).

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "cli/service_client.h"
#include "crypto/x509.h"
#include "gov/signed_message.h"

namespace entente::cli {

/// Signs messages as one member.
struct MemberSigner {
  crypto::Certificate certificate;
  std::function<Result<Bytes>(const gov::MessageHeader&, BytesView payload)> sign;

  const std::string& id() const { return certificate.id(); }
};
/// With a private key in a file. The key is wiped with the last copy of the signer.
Result<MemberSigner> signer_with_key(const std::string& certificate_file,
                                     const std::string& key_file);
/// With a program that keeps the key: it is run by the shell, reads {"alg", "value": base64 of the
/// digest} and writes {"value": base64url of r ‖ s}.
Result<MemberSigner> signer_with_program(const std::string& certificate_file,
                                         const std::string& command);

/// The bytes in {"value": base64url}, as signers write them.
Result<Bytes> signature_in(const std::string& text);

/// What the service answered. `refusal`: empty if it did what was asked, else code and message.
struct GovAnswer {
  int status = 0;
  json::value body;  ///< null if there is none
  std::string transaction_id;
  std::string code, refusal;

  bool accepted() const { return refusal.empty(); }
};

class GovClient {
 public:
  GovClient(TlsContext context, std::string address, int timeout_seconds = 10);

  /// Whom to ask next; changes when a node sends elsewhere.
  const std::string& address() const { return connection_.address(); }

  /// `path` after /gov. Errors: no answer. Waits and asks again while nobody leads.
  Result<GovAnswer> get(const std::string& path);
  /// The body of a 200; everything else is an error that says what was asked.
  Result<json::value> get_value(const std::string& path);
  /// Text that is not JSON (a ballot, a constitution, stored actions); nullopt for 404.
  Result<std::optional<std::string>> get_text(const std::string& path);

  /// Sends a signed message, also to where redirections lead: they are the same bytes.
  Result<GovAnswer> post(const std::string& path, BytesView message);
  /// Signs and sends.
  Result<GovAnswer> post(const std::string& path, const MemberSigner& signer, std::string_view type,
                         std::string_view payload,
                         std::optional<std::string> proposal_id = std::nullopt);

  /// Until the transaction is globally committed. An error if it never will be, or after the time.
  Result<void> wait_for_commit(const std::string& transaction_id);

 private:
  Result<Answer> call(std::string_view method, const std::string& target, std::string_view body,
                      std::string_view headers);
  Result<Answer> call_following_redirections(std::string_view method, std::string target,
                                             std::string_view body, std::string_view headers);

  TlsContext context_;
  ServiceClient connection_;
  int timeout_seconds_;
};

/// The messages of members. All but the first need a proposal's full id.
Result<GovAnswer> propose(GovClient& client, const MemberSigner& signer, std::string_view proposal);
Result<GovAnswer> submit_ballot(GovClient& client, const MemberSigner& signer,
                                const std::string& proposal_id, std::string_view ballot);
Result<GovAnswer> withdraw(GovClient& client, const MemberSigner& signer,
                           const std::string& proposal_id);
/// Asks for the present digest of the service's state and signs it. The answer is that of :ack.
Result<GovAnswer> acknowledge(GovClient& client, const MemberSigner& signer);
/// Fetches the member's share, decrypts it and hands it in. `key`: PEM.
Result<GovAnswer> submit_share(GovClient& client, const MemberSigner& signer,
                               const std::string& private_encryption_key);

}  // namespace entente::cli

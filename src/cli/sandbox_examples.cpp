#include "cli/sandbox_examples.h"

namespace entente::cli {
namespace {

/// The part of every call that says who is asked and who asks.
struct Caller {
  std::string curl;
  std::string base;

  Caller(const SandboxFolder& folder, const std::string& address)
      : curl("curl -sS --cacert " + shell_word(folder.service_certificate()) + " --cert " +
             shell_word(folder.user(0).certificate) + " --key " +
             shell_word(folder.user(0).private_key) + " "),
        base("https://" + address) {}

  std::string get(const std::string& path) const { return curl + shell_word(base + path); }
  std::string send(const std::string& options, const std::string& path) const {
    return curl + options + " " + shell_word(base + path);
  }
};

std::vector<Example> logging_examples(const Caller& caller) {
  const std::string json = "-H 'content-type: application/json' -d ";
  return {{"record a message; -i shows its transaction id",
           caller.send("-i " + json + R"('{"id": 42, "msg": "hello"}')", "/app/log/private")},
          {"read it", caller.get("/app/log/private?id=42")},
          {"record, and wait until it is globally committed",
           caller.send("-i -H 'prefer: wait=5' " + json + R"('{"id": 43, "msg": "for ever"}')",
                       "/app/log/private")}};
}

std::vector<Example> basic_examples(const Caller& caller) {
  return {{"store a record; -i shows its transaction id",
           caller.send("-i -X PUT -d 'hello'", "/app/records/greeting")},
          {"read it", caller.get("/app/records/greeting")},
          {"store, and wait until it is globally committed",
           caller.send("-i -X PUT -H 'prefer: wait=5' -d 'for ever'", "/app/records/promise")}};
}

std::vector<Example> smallbank_examples(const Caller& caller, const SandboxFolder& folder,
                                        const std::string& program) {
  const auto body = [&](const char* name) {
    return "-i -H 'content-type: application/octet-stream' --data-binary @" +
           shell_word(folder.file(name));
  };
  return {{"ten accounts with 1000 in savings and 1000 in checking",
           caller.send(body("create_batch.bin"), "/app/SmallBank_create_batch")},
          {"the balance of account 3, as bytes",
           caller.send(body("account_3.bin") + " -o -", "/app/SmallBank_balance") +
               " | tail -c 8 | od -A n -t d8"},
          {"many transactions", shell_word(program) + " bench --workload smallbank --sandbox " +
                                    shell_word(folder.path())}};
}

}  // namespace

std::string shell_word(const std::string& word) {
  constexpr const char* plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:@%+=,";
  if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) return word;
  std::string out = "'";
  for (const char c : word) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

std::vector<Example> sandbox_examples(const std::string& application, const SandboxFolder& folder,
                                      const std::string& address, const std::string& program) {
  const Caller caller(folder, address);
  std::vector<Example> out;
  if (application == "logging") out = logging_examples(caller);
  if (application.starts_with("basic")) out = basic_examples(caller);
  if (application == "smallbank") out = smallbank_examples(caller, folder, program);
  out.push_back({"the last globally committed transaction", caller.get("/app/commit")});
  out.push_back({"check the ledger's files", shell_word(program) +
                                                 " ledger verify --service-cert " +
                                                 shell_word(folder.service_certificate()) + " " +
                                                 shell_word(folder.file("ledger"))});
  return out;
}

}  // namespace entente::cli

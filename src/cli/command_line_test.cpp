#include "cli/command_line.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "base/json.h"
#include "cli/sandbox_examples.h"
#include "cli/sandbox_folder.h"

namespace entente::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* valid_configuration = R"({
  "network": {"node_to_node_interface": {"bind_address": "127.0.0.1:0"},
    "rpc_interfaces": {"main": {"bind_address": "127.0.0.1:0"}}},
  "command": {"type": "Start", "start": {"constitution_files": ["c.js"], "members": []}}})";

class CommandLine : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "entente-cli-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  std::string write(const std::string& name, const std::string& content) const {
    std::ofstream(path(name)) << content;
    return path(name);
  }

  /// Exit code; what was printed is in out_ and err_.
  int call(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "/some/where/entente");
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int code = main(static_cast<int>(pointers.size()), pointers.data(), hooks_);
    out_ = testing::internal::GetCapturedStdout();
    err_ = testing::internal::GetCapturedStderr();
    return code;
  }

  std::string folder_, out_, err_;
  std::vector<NodeInvocation> started_;
  Hooks hooks_{{"logging", "basic"}, [this](const NodeInvocation& invocation) {
                 started_.push_back(invocation);
                 return 7;
               }};
};

TEST_F(CommandLine, HelpNamesEverySubcommand) {
  EXPECT_EQ(call({"--help"}), exit_code::success);
  for (const char* name : {"sandbox", "node", "cluster", "keys", "ledger", "receipt", "bench"}) {
    EXPECT_NE(out_.find(name), std::string::npos) << name;
  }
  EXPECT_EQ(call({"ledger", "verify", "--help"}), exit_code::success);
  EXPECT_NE(out_.find("--service-cert"), std::string::npos);
  EXPECT_EQ(call({}), exit_code::missing_option);
  EXPECT_NE(err_.find("sandbox"), std::string::npos) << err_;
  EXPECT_EQ(call({"no-such-command"}), exit_code::bad_option);
  EXPECT_NE(err_.find("no-such-command"), std::string::npos) << err_;
  EXPECT_EQ(call({"ledger"}), exit_code::missing_option);
  EXPECT_NE(err_.find("verify"), std::string::npos) << err_;
  EXPECT_EQ(call({"ledger", "frobnicate"}), exit_code::bad_option);
}

TEST_F(CommandLine, NodeRunsAConfigurationThatIsValid) {
  const std::string config = write("node.json", valid_configuration);
  EXPECT_EQ(call({"node", "--config", config, "--app", "basic"}), 7);
  ASSERT_EQ(started_.size(), 1u);
  EXPECT_EQ(started_[0].application, "basic");
  EXPECT_EQ(started_[0].configuration.network.rpc_interfaces[0].name, "main");
  EXPECT_EQ(started_[0].command_line.back(), "basic");
  EXPECT_EQ(err_, "");
  // As scripts for the reference call a node.
  EXPECT_EQ(call({"--config", config, "--log-level", "Info"}), 7);
  EXPECT_EQ(call({"-c", config}), 7);
  EXPECT_EQ(call({"--config=" + config}), 7);
  ASSERT_EQ(started_.size(), 4u);
  EXPECT_EQ(started_[1].application, "logging");
}

TEST_F(CommandLine, NodeChecksWithoutRunning) {
  EXPECT_EQ(call({"node", "--check", "-c", write("good.json", valid_configuration)}),
            exit_code::success);
  EXPECT_NE(out_.find("is valid"), std::string::npos);
  EXPECT_EQ(call({"node", "--check", "-c", write("bad.json", R"({"network": 1, "comand": {}})")}),
            exit_code::bad_configuration);
  EXPECT_NE(err_.find("network: 1 is not an object"), std::string::npos) << err_;
  EXPECT_NE(err_.find("did you mean \"command\"?"), std::string::npos) << err_;
  EXPECT_EQ(call({"--version"}), exit_code::success);
  EXPECT_TRUE(out_.starts_with("CCF host: entente-")) << out_;
  EXPECT_NE(out_.find("\nPlatform: Virtual\n"), std::string::npos) << out_;
  EXPECT_TRUE(started_.empty());
}

TEST_F(CommandLine, NodeRefusesWithTheDocumentedExitCodes) {
  const std::string config = write("node.json", valid_configuration);
  EXPECT_EQ(call({"node"}), exit_code::missing_option);
  EXPECT_EQ(call({"node", "--config", config, "--log-level", "loud"}), exit_code::bad_option);
  EXPECT_EQ(call({"node", "--config", config, "--app", "other"}), exit_code::bad_option);
  EXPECT_EQ(call({"node", "--config", config, "--config-timeout", "soon"}), exit_code::bad_option);
  EXPECT_EQ(call({"node", "--config", config, "--unknown"}), exit_code::bad_option);
  EXPECT_EQ(call({"node", "--config", path("missing.json")}), exit_code::bad_configuration);
  EXPECT_NE(err_.find("missing.json"), std::string::npos) << err_;
  EXPECT_EQ(call({"node", "--config", write("half.json", "{\"network\":")}),
            exit_code::bad_configuration);
  EXPECT_NE(err_.find("half.json"), std::string::npos) << err_;
  EXPECT_TRUE(started_.empty());
}

TEST_F(CommandLine, NodeWaitsForItsConfiguration) {
  const std::string config = path("late.json");
  std::thread writer([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(150));
    write("late.json", "{\"network\":");
    std::this_thread::sleep_for(std::chrono::milliseconds(150));
    write("whole.json", valid_configuration);
    fs::rename(path("whole.json"), config);
  });
  EXPECT_EQ(call({"node", "--config", config, "--config-timeout", "60s"}), 7) << err_;
  writer.join();
}

TEST_F(CommandLine, KeysWritesFilesOnceAndSaysTheirNames) {
  EXPECT_EQ(call({"keys", "member", "alice", "--folder", folder_, "--json"}), exit_code::success);
  const json::value member = json::parse(out_).value();
  EXPECT_EQ(member.at("certificate").as_string(), path("alice_cert.pem"));
  EXPECT_EQ(member.at("encryption_public_key").as_string(), path("alice_enc_pubk.pem"));
  EXPECT_EQ(member.at("id").as_string().size(), 64u);
  for (const char* name :
       {"alice_cert.pem", "alice_privk.pem", "alice_enc_pubk.pem", "alice_enc_privk.pem"}) {
    EXPECT_TRUE(fs::exists(path(name))) << name;
  }
  EXPECT_EQ(call({"keys", "member", "alice", "--folder", folder_}), exit_code::failure);
  EXPECT_NE(err_.find("exists already"), std::string::npos);
  EXPECT_EQ(call({"keys", "user", "bob", "--folder", folder_, "--curve", "P-256"}),
            exit_code::success);
  EXPECT_NE(out_.find("bob_privk.pem"), std::string::npos);
  EXPECT_FALSE(fs::exists(path("bob_enc_pubk.pem")));
  EXPECT_EQ(call({"keys", "user"}), exit_code::missing_option);
  EXPECT_EQ(call({"keys", "user", "x", "--curve", "P-521"}), exit_code::bad_option);
}

TEST_F(CommandLine, LedgerVerifyAnswersByExitCode) {
  EXPECT_EQ(call({"ledger", "verify"}), exit_code::missing_option);
  for (const char* verb : {"verify", "show"}) {
    EXPECT_EQ(call({"ledger", verb, path("nothing")}), exit_code::file_not_readable);
    EXPECT_EQ(err_, path("nothing") + ": there is no such folder\n");
    EXPECT_EQ(call({"ledger", verb, write("a file", "x")}), exit_code::file_not_readable);
    EXPECT_NE(err_.find("this is not a folder"), std::string::npos) << err_;
  }
  fs::create_directory(path("empty"));
  EXPECT_EQ(call({"ledger", "verify", path("empty")}), exit_code::failure);
  EXPECT_NE(err_.find("NOT intact"), std::string::npos) << err_;
  EXPECT_EQ(call({"ledger", "verify", "--json", path("empty")}), exit_code::failure);
  EXPECT_FALSE(json::parse(out_).value().at("ok").as_bool());
  EXPECT_EQ(call({"ledger", "verify", folder_, "--service-cert", path("missing.pem")}),
            exit_code::file_not_readable);
  for (const char* line : {"1", "x 00", "1 zz", "1 00", "0 "}) {
    EXPECT_EQ(call({"ledger", "show", folder_, "--secrets", write("secrets", line)}),
              exit_code::file_not_readable)
        << line;
    EXPECT_NE(err_.find("line 1"), std::string::npos) << err_;
  }
}

TEST_F(CommandLine, SampleLedgerVerifiesAndAForeignCertificateDoesNot) {
  const char* shared = std::getenv("ENTENTE_SHARED_DATA");
  const std::string data =
      shared != nullptr ? shared : std::string(ENTENTE_SOURCE_DIR) + "/../shared/data";
  std::vector<std::string> ledgers;
  if (fs::is_directory(data + "/ccf-ledgers")) {
    for (const auto& entry : fs::recursive_directory_iterator(data + "/ccf-ledgers")) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with("ledger_1-") && ledgers.empty()) {
        ledgers.push_back(entry.path().parent_path().string());
      }
    }
  }
  if (ledgers.empty()) GTEST_SKIP() << "no sample ledgers here";
  EXPECT_EQ(call({"ledger", "verify", ledgers[0]}), exit_code::success) << err_;
  EXPECT_NE(out_.find("The ledger is intact"), std::string::npos);
  EXPECT_EQ(call({"ledger", "verify", "--json", ledgers[0]}), exit_code::success);
  EXPECT_TRUE(json::parse(out_).value().at("ok").as_bool());
  EXPECT_EQ(call({"ledger", "show", ledgers[0], "--last", "3", "--json"}), exit_code::success);
  EXPECT_NE(out_.find("public:ccf.gov."), std::string::npos);
  EXPECT_EQ(call({"keys", "user", "stranger", "--folder", folder_}), exit_code::success);
  EXPECT_EQ(call({"ledger", "verify", ledgers[0], "--service-cert", path("stranger_cert.pem")}),
            exit_code::failure);
}

TEST_F(CommandLine, ReceiptVerifyAnswersByExitCode) {
  ASSERT_EQ(call({"keys", "user", "u", "--folder", folder_}), exit_code::success);
  const std::string certificate = path("u_cert.pem");
  const std::string receipt = write("receipt.json", "{}");
  EXPECT_EQ(call({"receipt", "verify", receipt}), exit_code::missing_option);
  EXPECT_EQ(call({"receipt", "verify", receipt, "--service-cert", certificate}),
            exit_code::failure);
  EXPECT_NE(err_.find("NOT valid"), std::string::npos);
  EXPECT_EQ(call({"receipt", "verify", receipt, "--service-cert", certificate, "--json"}),
            exit_code::failure);
  EXPECT_FALSE(json::parse(out_).value().at("ok").as_bool());
  EXPECT_EQ(call({"receipt", "verify", path("none"), "--service-cert", certificate}),
            exit_code::file_not_readable);
  EXPECT_EQ(
      call({"receipt", "verify", receipt, "--service-cert", certificate, "--claims-digest", "12"}),
      exit_code::bad_option);
}

TEST_F(CommandLine, BenchRefusesWhatCannotBeMeasured) {
  EXPECT_EQ(call({"bench", "--address", "127.0.0.1:1", "--count", "1"}), exit_code::failure);
  EXPECT_EQ(call({"bench", "--duration", "soon"}), exit_code::bad_option);
  EXPECT_EQ(call({"bench", "--connections", "0"}), exit_code::bad_option);
  EXPECT_EQ(call({"bench", "--workload", "other"}), exit_code::bad_option);
  EXPECT_EQ(call({"bench", "--sandbox", folder_}), exit_code::bad_option);
}

TEST_F(CommandLine, SandboxLeavesAFolderThatIsInUseAlone) {
  write("precious", "data");
  EXPECT_EQ(call({"sandbox", "--workdir", folder_}), exit_code::failure);
  EXPECT_NE(err_.find("files that no sandbox made"), std::string::npos) << err_;
  EXPECT_NE(err_.find("--workdir"), std::string::npos);
  EXPECT_TRUE(fs::exists(path("precious")));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1);
}

TEST_F(CommandLine, SandboxFolderHoldsAValidConfiguration) {
  const SandboxFolder folder(path("sandbox"));
  EXPECT_TRUE(folder.is_free());
  SandboxPlan plan;
  plan.application = "smallbank";
  plan.port = 8123;
  plan.users = 3;
  plan.members = 2;
  plan.constitution = std::string(ENTENTE_SOURCE_DIR) + "/constitutions/sandbox";
  const auto prepared = folder.prepare(plan);
  ASSERT_TRUE(prepared.ok()) << prepared.error().message;
  EXPECT_FALSE(folder.is_free());
  EXPECT_TRUE(folder.description().starts_with("an earlier sandbox, made on 20"))
      << folder.description();
  EXPECT_FALSE(folder.running_node());
  EXPECT_FALSE(folder.prepare(plan).ok());

  const auto configuration = node::read_configuration(folder.configuration());
  ASSERT_TRUE(configuration.ok()) << configuration.error().message;
  EXPECT_TRUE(configuration->notes.empty());
  EXPECT_EQ(configuration->network.rpc_interfaces[0].bind_address.text(), "127.0.0.1:8123");
  std::vector<std::string> named = configuration->command.start.constitution_files;
  EXPECT_EQ(named.size(), 5u);  // those of the default constitution, one for virtual nodes
  ASSERT_EQ(configuration->command.start.members.size(), 2u);
  for (const node::Member& member : configuration->command.start.members) {
    named.push_back(member.certificate_file);
    named.push_back(*member.encryption_public_key_file);
  }
  for (unsigned i = 0; i < plan.users; ++i) {
    named.push_back(fs::path(folder.user(i).certificate).filename().string());
  }
  for (const std::string& name : named) EXPECT_TRUE(fs::exists(folder.file(name))) << name;
  EXPECT_TRUE(node::recovery_threshold(configuration->command.start).ok());

  EXPECT_FALSE(folder.rpc_address().ok());
  std::ofstream(folder.file("rpc_addresses.json")) << R"({"main":"127.0.0.1:4321"})";
  EXPECT_EQ(folder.rpc_address().value(), "127.0.0.1:4321");
  // A pid file counts only if that process works in this folder.
  std::ofstream(folder.file("node.pid")) << getpid();
  EXPECT_FALSE(folder.running_node());
}

TEST(ShellWord, QuotesWhatTheShellWouldChange) {
  EXPECT_EQ(shell_word("/a/b-c_1.pem"), "/a/b-c_1.pem");
  EXPECT_EQ(shell_word("/a b"), "'/a b'");
  EXPECT_EQ(shell_word("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_word("https://h:1/x?id=1"), "'https://h:1/x?id=1'");
  EXPECT_EQ(shell_word(""), "''");
}

TEST(SandboxExamples, ExistForEveryApplication) {
  const SandboxFolder folder("/tmp/no where");
  for (const char* application : {"logging", "basic", "smallbank", "other"}) {
    const auto examples = sandbox_examples(application, folder, "127.0.0.1:8000", "/bin/entente");
    EXPECT_GE(examples.size(), 2u) << application;
    for (const Example& example : examples) {
      EXPECT_NE(example.command.find("'/tmp/no where"), std::string::npos) << example.command;
    }
  }
}

}  // namespace
}  // namespace entente::cli

// Whole nodes, in a folder of their own.
#include "node/node.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "crypto/x509_issue.h"
#include "entente/digest.h"
#include "ledger/chunk_file.h"
#include "ledger/entry.h"

namespace entente::node {
namespace {

const std::string constitution = "export const resolve = () => 'Open';\n";

/// A folder with what the smallest Start needs, and its configuration.
class NodeTest : public testing::Test {
 protected:
  NodeTest() {
    char name[] = "/tmp/entente-node-XXXXXX";
    folder = mkdtemp(name);
    const auto key = crypto::KeyPair::generate(crypto::Curve::p256);
    const UnixTime now = system_clock().unix_time();
    put("m0.pem", crypto::self_signed_identity(key, "CN=member0", {now, 10}).value().pem());
    put("m0_enc.pem", crypto::RsaKeyPair::generate().public_key().pem());
    put("c.js", constitution);
  }
  ~NodeTest() override { std::filesystem::remove_all(folder); }

  std::string path(std::string_view name) const { return folder + "/" + std::string(name); }
  void put(std::string_view name, std::string_view content) const {
    std::ofstream(path(name)) << content;
  }
  std::string read(std::string_view name) const {
    std::ostringstream content;
    content << std::ifstream(path(name)).rdbuf();
    return content.str();
  }

  Configuration configuration() const {
    const json::object loopback{{"bind_address", "127.0.0.1:0"}};
    const json::object document{
        {"network",
         {{"node_to_node_interface", loopback}, {"rpc_interfaces", {{"rpc", loopback}}}}},
        {"command",
         {{"type", "Start"},
          {"service_certificate_file", path("service.pem")},
          {"start",
           {{"constitution_files", json::array{path("c.js")}},
            {"members",
             json::array{json::object{{"certificate_file", path("m0.pem")},
                                      {"encryption_public_key_file", path("m0_enc.pem")}}}}}}}},
        {"ledger", {{"directory", path("ledger")}}},
        {"snapshots", {{"directory", path("snapshots")}}},
        {"output_files",
         {{"node_certificate_file", path("node.pem")}, {"pid_file", path("node.pid")}}}};
    return parse_configuration(document).value();
  }

  /// The first entry of the ledger.
  Bytes genesis() const {
    auto chunk = read_file(system_disk(), path("ledger/ledger_1"));
    EXPECT_TRUE(chunk.ok());
    const BytesView rest = BytesView(*chunk).subspan(ledger::chunk_header_size);
    return to_bytes(rest.first(ledger::entry_size(rest).value()));
  }

  std::string folder;
  Application application{.name = "none", .register_endpoints = [](auto&, auto&) {}};
};

TEST_F(NodeTest, TheApplicationNamesTheClaimsOfGenesis) {
  application.genesis_claims = [](std::string_view text) { return sha256(as_bytes(text)); };
  Node node(configuration(), application);
  ASSERT_FALSE(node.start());
  EXPECT_TRUE(node.stop());
  const Bytes entry = genesis();
  EXPECT_EQ(ledger::parse_entry(entry)->claims_digest, sha256(as_bytes(constitution)));
}

TEST_F(NodeTest, GenesisHasNoClaimsWithoutThat) {
  Node node(configuration(), application);
  ASSERT_FALSE(node.start());
  EXPECT_TRUE(node.stop());
  const Bytes entry = genesis();
  EXPECT_EQ(ledger::parse_entry(entry)->claims_digest, Digest{});
}

TEST_F(NodeTest, AStartCanBeStoppedBetweenAnyTwoSteps) {
  for (int asked_at = 0;; ++asked_at) {
    for (const char* made : {"ledger", "snapshots", "node.pem", "service.pem"}) {
      std::filesystem::remove_all(path(made));
    }
    int asked = 0;
    Node node(configuration(), application);
    const auto exit = node.start([&] { return asked++ >= asked_at; });
    EXPECT_TRUE(node.stop());
    if (!exit) {
      EXPECT_GE(asked_at, 6);
      break;
    }
    EXPECT_EQ(exit->code, 0) << exit->message;
  }
}

/// In a child process, whose files cannot grow beyond `limit` bytes.
pid_t run_with_small_files(const Configuration& configuration, const Application& application,
                           const std::string& log, rlim_t limit) {
  const pid_t child = fork();
  if (child != 0) return child;
  if (std::freopen(log.c_str(), "w", stdout) == nullptr) _exit(99);
  const rlimit small{limit, limit};
  setrlimit(RLIMIT_FSIZE, &small);
  const Exit exit = run(configuration, application, {"test"});
  std::fflush(stdout);
  _exit(exit.code);
}

TEST_F(NodeTest, ASignalEndsAStartThatWaitsForTheDisk) {
  // Certificates and logs fit, the first chunk of the ledger does not.
  const std::string large(256 << 10, ' ');
  put("c.js", constitution + large);
  const pid_t child = run_with_small_files(configuration(), application, path("log"), 64 << 10);
  ASSERT_GT(child, 0);
  while (read("log").find("could not write the ledger") == std::string::npos) {
    ASSERT_EQ(waitpid(child, nullptr, WNOHANG), 0) << read("log");
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ASSERT_EQ(kill(child, SIGTERM), 0);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  const std::string log = read("log");
  EXPECT_TRUE(WIFEXITED(status)) << log;
  EXPECT_NE(log.find("Asked to stop before the service was there"), std::string::npos) << log;
  EXPECT_EQ(log.find("was not committed within"), std::string::npos) << log;
}

}  // namespace
}  // namespace entente::node

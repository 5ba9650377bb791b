#include "node/redirections.h"

#include <gtest/gtest.h>

#include <set>

#include "node/tables.h"
#include "rpc/test_service.h"

namespace entente::node {
namespace {

using Target = rpc::RedirectTarget;

struct Numbers final : RandomSource {
  uint64_t next = 0;
  void fill(std::span<uint8_t> out) override {
    ASSERT_EQ(out.size(), sizeof next);
    std::memcpy(out.data(), &next, sizeof next);
    ++next;
  }
};

class Redirections : public testing::Test {
 protected:
  Redirections() {
    put("n0", "Trusted",
        R"({"rpc":{"published_address":"a:1"},"other":{"published_address":"a:2"}})");
    put("n1", "Trusted", R"({"rpc":{"published_address":"b:1"}})");
    put("n2", "Trusted",
        R"({"rpc":{"published_address":"c:1"},"other":{"published_address":"c:2"}})");
    put("n3", "Pending", R"({"rpc":{"published_address":"d:1"}})");
    put("n4", "Retired", R"({"rpc":{"published_address":"e:1"}})");
    put("n5", "Trusted", R"({"elsewhere":{"published_address":"f:1"}})");
    service.put(tables::nodes_info, "n6", "no JSON");
  }
  void put(std::string_view id, const std::string& status, const std::string& interfaces) {
    service.put(tables::nodes_info, id,
                R"({"status":")" + status + R"(","rpc_interfaces":)" + interfaces + "}");
  }
  std::string resolve(const Target& target, std::string_view receiving = "rpc") {
    return addresses.resolve(target, receiving).value_or("none");
  }
  std::set<std::string> many(const Target& target) {
    std::set<std::string> found;
    for (int i = 0; i < 20; ++i) found.insert(resolve(target));
    return found;
  }

  rpc::test::Service service;
  Numbers numbers;
  RoleAddresses addresses{service.store, service.status, numbers};
  const Target primary;
  const Target backup{.role = Target::Role::backup};
};

TEST_F(Redirections, ThePrimaryOnTheInterfaceOfTheSameOrOfAGivenName) {
  EXPECT_EQ(resolve(primary), "a:1");
  EXPECT_EQ(resolve(primary, "other"), "a:2");
  EXPECT_EQ(resolve({.interface = "other"}), "a:2");
  EXPECT_EQ(resolve(primary, "elsewhere"), "none");
  service.status.primary_id = NodeId{"n1"};
  EXPECT_EQ(resolve(primary), "b:1");
  EXPECT_EQ(resolve(primary, "other"), "none");
  for (const auto* unknown : {"n6", "n7"}) {
    service.status.primary_id = NodeId{unknown};
    EXPECT_EQ(resolve(primary), "none");
  }
  service.status.primary_id.reset();
  EXPECT_EQ(resolve(primary), "none");
}

TEST_F(Redirections, AnyTrustedNodeThatIsNotPrimaryIsABackup) {
  EXPECT_EQ(many(backup), (std::set<std::string>{"b:1", "c:1"}));
  service.status.primary_id = NodeId{"n1"};
  EXPECT_EQ(many(backup), (std::set<std::string>{"a:1", "c:1"}));
  EXPECT_EQ(many({.role = Target::Role::backup, .interface = "other"}),
            (std::set<std::string>{"a:2", "c:2"}));
  EXPECT_EQ(many({.role = Target::Role::backup, .interface = "none"}),
            std::set<std::string>{"none"});
  service.status.primary_id.reset();
  EXPECT_EQ(many(backup), (std::set<std::string>{"a:1", "b:1", "c:1"}));
}

TEST_F(Redirections, AStaticAddressIsItself) {
  EXPECT_EQ(resolve({.kind = Target::Kind::static_address, .address = "lb.example.com"}),
            "lb.example.com");
}

}  // namespace
}  // namespace entente::node

#include "net/session_caps.h"

#include <gtest/gtest.h>

#include "net/test_support.h"

namespace entente::net {
namespace {

using test::plain;
using test::TestServer;

TEST(SessionCaps, AreSharedOutInProportion) {
  using Caps = std::vector<uint64_t>;
  EXPECT_EQ(shared_out({}, 0), Caps{});
  EXPECT_EQ(shared_out({10, 20}, 30), (Caps{10, 20}));
  EXPECT_EQ(shared_out({10, 20}, 15), (Caps{5, 10}));
  EXPECT_EQ(shared_out({1000, 1}, 10), (Caps{9, 1}));
  EXPECT_EQ(shared_out({7, 7}, 0), (Caps{1, 1}));
  EXPECT_EQ(shared_out({UINT64_MAX, UINT64_MAX}, 100), (Caps{50, 50}));
}

TEST(SessionCaps, FewDescriptorsLowerThem) {
  ServerOptions options;
  options.max_descriptors = reserved_descriptors + 8;
  TestServer server(plain(), options);
  EXPECT_EQ(server.metrics().hard_cap, 8u);
  EXPECT_EQ(server.metrics().soft_cap, 4u);
  std::vector<HttpClient> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(server.connect());
    EXPECT_EQ(clients.back().get("/x")->status, 200);
  }
  EXPECT_EQ(server.connect().get("/x")->status, 503);
}

TEST(SessionCaps, EnoughDescriptorsLeaveThemAsConfigured) {
  InterfaceConfig config = plain();
  config.max_open_sessions_soft = 20;
  config.max_open_sessions_hard = 30;
  ServerOptions options;
  options.max_descriptors = reserved_descriptors + 30;
  TestServer server(config, options);
  EXPECT_EQ(server.metrics().soft_cap, 20u);
  EXPECT_EQ(server.metrics().hard_cap, 30u);
}

}  // namespace
}  // namespace entente::net

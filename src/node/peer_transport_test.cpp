#include "node/peer_transport.h"

#include <gtest/gtest.h>

namespace entente::node {
namespace {

class PeerTransportTest : public testing::Test {
 protected:
  PeerTransportTest() : links(std::move(*net::Links::listen({}))), transport(*links) {}

  std::map<std::string, std::string> dialled() const {
    std::map<std::string, std::string> addresses;
    for (const auto& peer : links->metrics().peers) addresses[peer.id.value] = peer.address;
    return addresses;
  }

  std::unique_ptr<net::Links> links;
  PeerTransport transport;
};

using Addresses = std::map<std::string, std::string>;

TEST_F(PeerTransportTest, whoever_introduces_itself_is_answered_until_it_is_configured) {
  transport.introduced({"new"}, "10.0.0.1:1");
  EXPECT_EQ(dialled(), (Addresses{{"new", "10.0.0.1:1"}}));
  transport.introduced({"new"}, "10.0.0.1:2");
  EXPECT_EQ(dialled(), (Addresses{{"new", "10.0.0.1:2"}})) << "it moved";
  transport.set_peers({{{"old"}, "10.0.0.2:1"}});
  EXPECT_EQ(dialled(), (Addresses{{"new", "10.0.0.1:2"}, {"old", "10.0.0.2:1"}}));
  transport.set_peers({{{"old"}, "10.0.0.2:1"}, {{"new"}, "10.0.0.3:3"}});
  EXPECT_EQ(dialled().at("new"), "10.0.0.3:3");
  transport.introduced({"new"}, "10.9.9.9:9");
  EXPECT_EQ(dialled().at("new"), "10.0.0.3:3") << "the configuration counts";
  transport.set_peers({{{"old"}, "10.0.0.2:1"}});
  EXPECT_EQ(dialled(), (Addresses{{"old", "10.0.0.2:1"}})) << "what it once said is forgotten";
}

TEST_F(PeerTransportTest, the_longest_ago_is_forgotten_when_there_are_too_many) {
  for (int i = 0; i < 20; ++i) {
    transport.introduced({"n" + std::to_string(i)}, "10.0.0.1:" + std::to_string(1 + i));
    transport.introduced({"n0"}, "10.0.0.1:1");  // again and again
  }
  const Addresses now = dialled();
  EXPECT_EQ(now.size(), 8u);
  EXPECT_TRUE(now.contains("n19"));
  EXPECT_TRUE(now.contains("n0"));
  EXPECT_FALSE(now.contains("n5"));
}

}  // namespace
}  // namespace entente::node

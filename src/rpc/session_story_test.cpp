// Sessions across elections: what a session was told stays on the branch of the ledger that it
// sees, or the session ends with an explicit error. docs/verification.md, S40; scripts/mutants runs
// this with the rule broken.

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <random>

#include "consensus/raft/mutants.h"
#include "rpc/test_service.h"

namespace entente::rpc {
namespace {

using http::Method;
using test::header_of;
using test::summary;

#ifdef ENTENTE_MUTANTS
[[maybe_unused]] const bool seeded = [] {
  const char* name = std::getenv("ENTENTE_DEFECT");
  const bool wanted = name != nullptr && std::string_view(name) == "two_branches";
  if (wanted) consensus::seeded_defect = consensus::Defect::two_branches;
  return wanted;
}();
#endif

class SessionStoryTest : public testing::Test {
 protected:
  SessionStoryTest() {
    service.app()
        .make_endpoint(
            "/x", Method::put,
            [](EndpointContext& ctx) {
              ctx.tx.rw("map").put(as_bytes("x"), as_bytes("1"));
              ctx.call.set_body("written");
            },
            auth::none)
        .install();
    service.app()
        .make_read_only_endpoint(
            "/x", Method::get,
            [](ReadOnlyEndpointContext& ctx) {
              ctx.call.set_body(ctx.tx.ro("map").has(as_bytes("x")) ? "there" : "not there");
            },
            auth::none)
        .set_forwarding_required(Forwarding::never)
        .install();
    service.start();
  }

  // Another node was elected, or this one again: what follows `kept` is gone.
  void elect(SeqNo kept, bool here) {
    const View next{view.value + 1};
    service.store.set_follower(kv::Epoch{++epoch});
    service.store.rollback(kept, next, kv::Epoch{++epoch});
    branch.resize(kept.value + 1);
    view = next;
    lead(true);
    put();  // the new primary's first entry
    lead(here);
  }
  void lead(bool here) {
    service.status.primary_here = here;
    service.status.current_view = view;
    if (here) {
      service.store.set_primary(view, kv::Epoch{++epoch});
    } else {
      service.store.set_follower(kv::Epoch{++epoch});
    }
  }
  void put() { note(service.put("map", "other", "1")); }
  void note(TxId id) {
    ASSERT_EQ(id.seqno.value, branch.size());
    branch.push_back(id.view);
  }
  bool stands(TxId id) const {
    return id.seqno.value < branch.size() && branch[id.seqno.value] == id.view;
  }

  test::Service service;
  View view = first_view;
  uint64_t epoch = 1;
  std::vector<View> branch{View{0}};  ///< the view of each seqno, from what the test did itself
};

TEST_F(SessionStoryTest, S40_a_session_whose_writes_an_election_dropped_ends_with_an_error) {
  service.put("map", "other", "1");  // 2.1, which the election keeps
  branch.push_back(view);
  service.session = {.id = 40};
  EXPECT_EQ(summary(service.send(Method::put, "/app/x")), "200 written");
  EXPECT_EQ(service.session.last_seen(), (TxId{View{2}, SeqNo{2}}));
  elect(SeqNo{1}, true);

  for (const Method method : {Method::get, Method::put}) {
    const http::Response answer = service.send(method, "/app/x");
    EXPECT_EQ(summary(answer),
              "500 SessionConsistencyLost: Potential loss of session consistency on session 40. "
              "Started in view 2, now in view 3. Closing session.");
    EXPECT_TRUE(answer.close);
    EXPECT_EQ(header_of(answer, "x-ms-ccf-transaction-id"), "(absent)");
  }
  EXPECT_EQ(service.get("map", "x"), std::nullopt) << "what was refused has no effect";
  service.session = {.id = 41};
  EXPECT_EQ(summary(service.send(Method::get, "/app/x")), "200 not there") << "a new one is fine";
}

// Sessions, writes and elections in any order. What a session is told extends what it was told.
TEST_F(SessionStoryTest, no_session_sees_two_branches) {
  std::mt19937_64 random(17);
  const auto below = [&](uint64_t n) { return random() % n; };
  struct Client {
    Session session;
    TxId told;
    View began;
  };
  std::array<Client, 5> clients;
  uint64_t sessions = 0;
  uint64_t answers = 0;
  uint64_t ended = 0;
  const auto renew = [&](Client& client) {
    client = {};
    client.session.id = ++sessions;
  };
  for (Client& client : clients) renew(client);
  uint64_t committed = 0;

  for (int step = 0; step < 20'000; ++step) {
    const uint64_t what = below(100);
    if (what < 3) {
      elect(SeqNo{committed + below(branch.size() - committed)}, below(3) != 0);
    } else if (what < 5) {
      lead(true);
    } else if (what < 15 && service.status.primary_here) {
      put();
    } else if (what < 20) {
      committed += below(branch.size() - committed);
      service.store.compact(SeqNo{committed});
      service.status.committed_id = {branch[committed], SeqNo{committed}};
    } else {
      Client& client = clients[below(clients.size())];
      const bool fresh = !client.session.pinned_view;
      if (fresh) client.began = view;
      service.session = client.session;
      const bool writes = service.status.primary_here && below(2) == 0;
      const Method method = writes ? Method::put : Method::get;
      const http::Response answer = service.send(method, "/app/x");
      client.session = service.session;
      if (answer.status == 500) {
        ASSERT_TRUE(answer.close) << summary(answer);
        EXPECT_NE(client.began, view) << "nothing happened to it";
        ++ended;
        renew(client);
        continue;
      }
      const std::string* told = answer.header("x-ms-ccf-transaction-id");
      if (told == nullptr) {
        ASSERT_EQ(branch.size(), 1u) << "only an empty ledger has nothing to name";
        continue;
      }
      const auto id = TxId::parse(*told);
      ASSERT_TRUE(id);
      if (id->seqno.value == branch.size()) note(*id);
      ASSERT_TRUE(stands(*id)) << id->text();
      ASSERT_TRUE(client.told == TxId{} || stands(client.told))
          << "session " << client.session.id << " was told " << client.told.text() << " and now "
          << id->text();
      client.told = *id;
      ++answers;
    }
    if (branch.size() > 2'000) break;
  }
  EXPECT_GT(answers, 1'000u);
  EXPECT_GT(ended, 100u);
}

}  // namespace
}  // namespace entente::rpc

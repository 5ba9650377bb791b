// The procedures one by one, and the published balances after many generated operations.
#include "smallbank.h"

#include <flatbuffers/flatbuffers.h>
#include <gtest/gtest.h>

#include <array>
#include <random>

#include "bank.h"
#include "rpc/test_service.h"
#include "smallbank_generated.h"

namespace {

using namespace entente;
namespace wire = entente::smallbank;
using http::Method;
using rpc::test::header_of;
using rpc::test::summary;

std::string finished(flatbuffers::FlatBufferBuilder& builder) {
  return {reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize()};
}
std::string bank(const char* name, uint64_t id, int64_t checking, int64_t savings) {
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(wire::CreateBankDirect(builder, name, id, checking, savings));
  return finished(builder);
}
std::string accounts(uint64_t from, uint64_t to, int64_t checking = 1000, int64_t savings = 1000) {
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(wire::CreateAccounts(builder, from, to, checking, savings));
  return finished(builder);
}
std::string transaction(const std::string& name, int32_t value = 0) {
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(wire::CreateTransactionDirect(builder, name.c_str(), value));
  return finished(builder);
}
std::string nameless(int32_t value) {
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(wire::CreateTransaction(builder, 0, value));
  return finished(builder);
}
std::string amalgamation(const std::string& source, const std::string& destination) {
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(wire::CreateAmalgamateDirect(builder, source.c_str(), destination.c_str()));
  return finished(builder);
}

struct SmallBank : testing::Test {
  SmallBank() {
    ::smallbank::register_endpoints(service.app(), service.node);
    service.start();
    const auto certificate = rpc::test::make_certificate(
        crypto::KeyPair::generate(crypto::Curve::p256), service.clock.unix - UnixTime(1));
    service.put(rpc::tables::users_certs, certificate.id(), certificate.pem());
    service.show_certificate(certificate);
  }

  http::Response call(std::string_view procedure, const std::string& body) {
    return service.send(Method::post, "/app/SmallBank_" + std::string(procedure), body);
  }
  std::string answer(std::string_view procedure, const std::string& body) {
    return summary(call(procedure, body));
  }
  int64_t balance(const std::string& name) {
    const auto response = call("balance", transaction(name));
    EXPECT_EQ(response.status, 200) << summary(response);
    EXPECT_EQ(header_of(response, "content-type"), "application/octet-stream");
    flatbuffers::Verifier verifier(response.body.data(), response.body.size());
    EXPECT_TRUE(verifier.VerifyBuffer<wire::Balance>(nullptr));
    return flatbuffers::GetRoot<wire::Balance>(response.body.data())->balance();
  }
  int64_t stored(const ::smallbank::tables::Balances& table, uint64_t id) {
    auto tx = service.store.begin_read_only();
    return tx.ro(table).get(id).value_or(-1'000'000);
  }
  int64_t savings(uint64_t id) { return stored(::smallbank::tables::savings, id); }
  int64_t checking(uint64_t id) { return stored(::smallbank::tables::checkings, id); }
  void remove(const std::string& map, uint64_t id) {
    auto tx = service.store.begin();
    const auto key = kv::RawCopySerialiser<uint64_t>::to_serialised(id);
    tx.wo(map).remove(key);
    service.store.commit(tx);
  }

  rpc::test::Service service;
};

TEST_F(SmallBank, CreateOpensAnAccountOnce) {
  EXPECT_EQ(answer("create", bank("alice", 7, 10, 20)), "204");
  EXPECT_EQ(balance("alice"), 30);
  EXPECT_EQ(checking(7), 10);
  EXPECT_EQ(savings(7), 20);
  EXPECT_EQ(answer("create", bank("alice", 8, 1, 1)), "400 Account already exists");
  EXPECT_EQ(answer("create", bank("bob", 7, 1, 1)), "400 Account already exists");
  remove("b", 7);
  EXPECT_EQ(answer("create", bank("bob", 7, 1, 1)), "400 Account already exists");
  remove("c", 7);
  EXPECT_EQ(answer("create", bank("bob", 7, 1, 1)), "204");
  // The tables hold raw integers.
  const std::string id{"\x07\0\0\0\0\0\0\0", 8};
  EXPECT_EQ(service.get("a", "alice"), id);
  EXPECT_EQ(service.get("c", id)->size(), 8u);
}

TEST_F(SmallBank, CreateBatchIsAllOrNothing) {
  EXPECT_EQ(answer("create_batch", accounts(5, 15, 3, 4)), "204");
  EXPECT_EQ(balance("5"), 7);
  EXPECT_EQ(balance("14"), 7);
  EXPECT_EQ(answer("balance", transaction("15")), "400 Account does not exist");
  EXPECT_EQ(answer("create_batch", accounts(0, 6)),
            "400 Account already exists in accounts table: '5'");
  EXPECT_EQ(answer("balance", transaction("0")), "400 Account does not exist");
  ASSERT_EQ(answer("create", bank("somebody", 20, 1, 1)), "204");
  EXPECT_EQ(answer("create_batch", accounts(19, 22)),
            "400 Account already exists in savings table: '20'");
  remove("b", 20);
  EXPECT_EQ(answer("create_batch", accounts(19, 22)),
            "400 Account already exists in checkings table: '20'");
  EXPECT_EQ(answer("create_batch", accounts(30, 30)), "204");
  EXPECT_EQ(answer("create_batch", accounts(40, 30)), "204");
  EXPECT_EQ(answer("create_batch", accounts(100, 101 + ::smallbank::max_batch)),
            "400 Too many accounts in one batch");
  EXPECT_EQ(answer("create_batch", accounts(0, UINT64_MAX)), "400 Too many accounts in one batch");
}

TEST_F(SmallBank, TransactSavings) {
  call("create_batch", accounts(0, 2, 100, 50));
  EXPECT_EQ(answer("transact_savings", transaction("0", 7)), "204");
  EXPECT_EQ(savings(0), 57);
  EXPECT_EQ(answer("transact_savings", transaction("0", -57)), "204");
  EXPECT_EQ(savings(0), 0);
  EXPECT_EQ(answer("transact_savings", transaction("0", -1)),
            "400 Not enough money in savings account");
  EXPECT_EQ(savings(0), 0);
  EXPECT_EQ(answer("transact_savings", transaction("", 1)), "400 A name must be specified");
  EXPECT_EQ(answer("transact_savings", nameless(1)), "400 A name must be specified");
  EXPECT_EQ(answer("transact_savings", transaction("x", 1)), "400 Account does not exist");
  remove("b", 1);
  EXPECT_EQ(answer("transact_savings", transaction("1", 1)), "400 Savings account does not exist");
}

TEST_F(SmallBank, DepositChecking) {
  call("create_batch", accounts(0, 2, 100, 50));
  EXPECT_EQ(answer("deposit_checking", transaction("0", 7)), "204");
  EXPECT_EQ(checking(0), 107);
  EXPECT_EQ(answer("deposit_checking", transaction("0", 0)), "400 Value <= 0");
  EXPECT_EQ(answer("deposit_checking", transaction("0", -1)), "400 Value <= 0");
  EXPECT_EQ(answer("deposit_checking", nameless(1)), "400 A name must be specified");
  EXPECT_EQ(answer("deposit_checking", transaction("x", 1)), "400 Account does not exist");
  remove("c", 1);
  EXPECT_EQ(answer("deposit_checking", transaction("1", 1)), "400 Checking account does not exist");
}

TEST_F(SmallBank, Amalgamate) {
  call("create_batch", accounts(0, 4, 100, 50));
  EXPECT_EQ(answer("amalgamate", amalgamation("0", "1")), "204");
  EXPECT_EQ(balance("0"), 0);
  EXPECT_EQ(checking(1), 250);
  EXPECT_EQ(savings(1), 50);
  EXPECT_EQ(answer("amalgamate", amalgamation("1", "1")), "204");
  EXPECT_EQ(checking(1), 300);
  EXPECT_EQ(savings(1), 0);
  EXPECT_EQ(answer("amalgamate", amalgamation("x", "1")), "400 Source account does not exist");
  EXPECT_EQ(answer("amalgamate", amalgamation("1", "x")), "400 Destination account does not exist");
  remove("c", 2);
  EXPECT_EQ(answer("amalgamate", amalgamation("2", "3")),
            "400 Source checking account does not exist");
  EXPECT_EQ(answer("amalgamate", amalgamation("3", "2")),
            "400 Destination checking account does not exist");
  EXPECT_EQ(balance("3"), 150);
  remove("b", 2);
  EXPECT_EQ(answer("amalgamate", amalgamation("2", "3")),
            "400 Source savings account does not exist");
}

TEST_F(SmallBank, WriteCheck) {
  call("create_batch", accounts(0, 2, 100, 50));
  EXPECT_EQ(answer("write_check", transaction("0", 150)), "204");
  EXPECT_EQ(checking(0), 0);
  EXPECT_EQ(savings(0), 50);
  EXPECT_EQ(answer("write_check", transaction("0", 51)), "204");  // one unit of penalty
  EXPECT_EQ(checking(0), -2);
  EXPECT_EQ(answer("write_check", nameless(1)), "400 A name must be specified");
  EXPECT_EQ(answer("write_check", transaction("x", 1)), "400 Account does not exist");
  remove("c", 1);
  EXPECT_EQ(answer("write_check", transaction("1", 1)), "400 Checking account does not exist");
  remove("b", 1);
  EXPECT_EQ(answer("write_check", transaction("1", 1)), "400 Savings account does not exist");
  EXPECT_EQ(answer("balance", transaction("1")), "400 Savings account does not exist");
}

TEST_F(SmallBank, MoneyDoesNotWrapAround) {
  call("create", bank("rich", 1, INT64_MAX, INT64_MAX));
  EXPECT_EQ(answer("balance", transaction("rich")), "400 Balance out of range");
  EXPECT_EQ(answer("deposit_checking", transaction("rich", 1)), "400 Balance out of range");
  EXPECT_EQ(answer("transact_savings", transaction("rich", 1)), "400 Balance out of range");
  call("create", bank("poor", 2, INT64_MIN, 0));
  EXPECT_EQ(answer("write_check", transaction("poor", 1)), "400 Balance out of range");
}

TEST_F(SmallBank, HostileBodiesAreRefused) {
  call("create_batch", accounts(0, 1));
  const std::string good = transaction("0", 5);
  EXPECT_EQ(answer("deposit_checking", ""), "400 Malformed request body");
  constexpr size_t padding = 2;  // of "0" and its terminator, at the end
  for (size_t size = 0; size + padding < good.size(); ++size) {
    EXPECT_EQ(call("deposit_checking", good.substr(0, size)).status, 400) << size;
  }
  std::mt19937 random(1);
  for (int i = 0; i < 20000; ++i) {
    std::string bad = good;
    for (unsigned flips = 1 + random() % 4; flips > 0; --flips) {
      bad[random() % bad.size()] ^= static_cast<char>(1 + random() % 255);
    }
    const int status = call("deposit_checking", bad).status;
    ASSERT_TRUE(status == 204 || status == 400) << status;
  }
}

TEST_F(SmallBank, OnlyUsersAreServed) {
  service.session.certificate = nullptr;
  EXPECT_EQ(call("create_batch", accounts(0, 1)).status, 401);
  EXPECT_EQ(call("balance", transaction("0")).status, 401);
}

// ------------------------------------------------------------------------------- published runs

struct Published {
  int operations;
  std::array<int64_t, 10> balances;
  int refused;
};

class SmallBankRun : public SmallBank, public testing::WithParamInterface<Published> {};

INSTANTIATE_TEST_SUITE_P(
    Figures, SmallBankRun,
    testing::Values(Published{2000, {52, 32, 0, 41951, 0, 5, 94, 737, 493, 0}, 126},
                    Published{20000, {120018, 0, 187, 42, -35, 36, 1189, 6, 0, 39}, 1567},
                    Published{50000, {49, 43, 1764, 43, 244, -38, -42, 248231, 0, -8}, 3939},
                    Published{200000, {0, 0, 28, 890665, 19, 322, 40, 43, 19, 63}, 16330},
                    Published{500000, {15, 79, 2181296, 37, 30, 0, -40, 505, -34, 0}, 40807}),
    [](const auto& run) { return std::to_string(run.param.operations); });

TEST_P(SmallBankRun, EndsWithThePublishedBalances) {
  ASSERT_EQ(answer("create_batch", accounts(0, 10)), "204");
  std::mt19937 random(42);
  const auto draw = [&random](uint32_t n) {
    return static_cast<uint32_t>((uint64_t{random()} * n) >> 32);
  };
  // Bodies are made once: the run is about the procedures.
  std::map<std::pair<uint32_t, int32_t>, std::string> bodies;
  const auto body = [&](uint32_t account, int32_t value) -> const std::string& {
    auto& made = bodies[{account, value}];
    if (made.empty()) made = transaction(std::to_string(account), value);
    return made;
  };
  int refused = 0;
  const auto expect = [](const http::Response& response, int status) {
    ASSERT_EQ(response.status, status) << summary(response);
  };
  for (int i = 0; i < GetParam().operations; ++i) {
    switch (draw(5)) {
      case 0: {
        const uint32_t account = draw(10);
        const auto response =
            call("transact_savings", body(account, static_cast<int32_t>(draw(100)) - 50));
        if (response.status == 400) ++refused;
        break;
      }
      case 1: {
        const uint32_t source = draw(10);
        uint32_t destination = draw(9);
        if (destination >= source) ++destination;
        expect(
            call("amalgamate", amalgamation(std::to_string(source), std::to_string(destination))),
            204);
        break;
      }
      case 2: {
        const uint32_t account = draw(10);
        expect(call("write_check", body(account, static_cast<int32_t>(draw(50)))), 204);
        break;
      }
      case 3: {
        const uint32_t account = draw(10);
        expect(call("deposit_checking", body(account, 1 + static_cast<int32_t>(draw(50)))), 204);
        break;
      }
      default:
        expect(call("balance", body(draw(10), 0)), 200);
    }
    ASSERT_FALSE(HasFatalFailure()) << "operation " << i;
    service.commits.clear();
    if (i % 1000 == 999) service.store.compact(service.store.last().seqno);
  }
  for (uint32_t account = 0; account < 10; ++account) {
    EXPECT_EQ(balance(std::to_string(account)), GetParam().balances[account]) << account;
  }
  EXPECT_EQ(refused, GetParam().refused);
}

}  // namespace

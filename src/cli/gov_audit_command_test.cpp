// `gov audit` on ledgers in files: one in order, one with a forged ballot.

#include <gtest/gtest.h>

#include <fstream>

#include "cli/command_line.h"
#include "cli/scratch_folder.h"
#include "gov/audit_story.h"
#include "ledger/plain_entries.h"

namespace entente::cli {
namespace {

using gov::test::Story;
using gov::test::table;
using gov::test::Writes;

class GovAuditCommand : public testing::Test {
 protected:
  void write(const Story& story) const {
    for (const auto& chunk : story.ledger.chunks()) {
      const Bytes bytes = ledger::test::chunk_of(chunk.entries, chunk.complete);
      std::ofstream(scratch_.file(chunk.name.text()), std::ios::binary) << to_text(bytes);
    }
  }

  /// Exit code; what was printed is in out_ and err_.
  int audit(const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments{"entente", "gov", "audit", scratch_.path};
    arguments.insert(arguments.end(), more.begin(), more.end());
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int code = main(static_cast<int>(pointers.size()), pointers.data(), {});
    out_ = testing::internal::GetCapturedStdout();
    err_ = testing::internal::GetCapturedStderr();
    return code;
  }

  const test::ScratchFolder scratch_;
  std::string out_, err_;
};

TEST_F(GovAuditCommand, TellsWhoDecidedWhat) {
  const Story story;
  write(story);
  EXPECT_EQ(audit(), exit_code::success) << err_;
  for (const std::string& part :
       {std::string("proposes " + story.first.substr(0, 12)), std::string("-> Accepted"),
        std::string("2023-11-14 22:13:20"), std::string("writes users.certs (1)"),
        std::string("Every decision is accounted for")}) {
    EXPECT_NE(out_.find(part), std::string::npos) << part << "\n" << out_;
  }
  EXPECT_EQ(audit({"--json"}), exit_code::success);
  const auto report = json::parse(out_);
  ASSERT_TRUE(report.ok());
  EXPECT_TRUE(report->at("ok").as_bool());
  EXPECT_EQ(report->at("events").as_array().size(), 9u);
}

TEST_F(GovAuditCommand, NamesAForgedBallot) {
  const Story story("vote0", [](Story& s, Writes& writes) {
    writes[table("proposals_info")][s.first] = json::dump(s.info("Open", 0, {0, 2}));
  });
  write(story);
  const std::string place = story.steps.at("vote0").text();
  EXPECT_EQ(audit(), exit_code::failure);
  EXPECT_NE(err_.find("FAULT at " + place + ": member " + story.id(2) + ": a ballot"),
            std::string::npos)
      << err_;
  EXPECT_NE(err_.find("NOT all accounted for"), std::string::npos);
  EXPECT_EQ(audit({"--json"}), exit_code::failure);
  const auto report = json::parse(out_);
  ASSERT_TRUE(report.ok());
  EXPECT_FALSE(report->at("ok").as_bool());
  EXPECT_EQ(report->at("faults").at(0).at("member"), json::value(story.id(2)));
  EXPECT_EQ(report->at("faults").at(0).at("transaction_id"), json::value(place));
}

TEST_F(GovAuditCommand, AlsoFindsADamagedLedger) {
  Story story;
  story.ledger.entries[4].back() ^= 1;
  write(story);
  EXPECT_EQ(audit(), exit_code::failure);
  EXPECT_NE(err_.find("The ledger is NOT intact"), std::string::npos) << err_;
}

TEST_F(GovAuditCommand, AMissingFolderIsNoLedger) {
  std::vector<std::string> arguments{"entente", "gov", "audit", scratch_.path + "/nowhere"};
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  EXPECT_EQ(main(static_cast<int>(pointers.size()), pointers.data(), {}),
            exit_code::file_not_readable);
}

}  // namespace
}  // namespace entente::cli

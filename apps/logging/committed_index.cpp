// An index of the application's own, installed and removed at run time: the globally committed
// message of every private record, from the moment of installation on.

#include <map>
#include <mutex>

#include "entente/indexing.h"
#include "logging.h"
#include "types.h"

namespace logging {

namespace {

using namespace entente;

/// Memory for messages; the index stops where it would need more.
constexpr size_t max_bytes = size_t{64} << 20;

class CommittedRecords : public indexing::VisitEachEntryInMap {
 public:
  explicit CommittedRecords(SeqNo first)
      : VisitEachEntryInMap(std::string(private_table), first, "CommittedRecords records") {}

  std::optional<std::string> find(uint64_t id) const {
    const std::lock_guard lock(mutex_);
    const auto found = messages_.find(id);
    if (found == messages_.end()) return std::nullopt;
    return found->second;
  }

 protected:
  void visit_entry(const TxId&, BytesView key, std::optional<BytesView> value) override {
    const auto id = kv::JsonSerialiser<uint64_t>::from_serialised(key);
    forget(id);
    if (!value) return;
    const auto& msg = messages_[id] = kv::JsonSerialiser<std::string>::from_serialised(*value);
    bytes_ += msg.size() + overhead;
  }
  bool full() const override { return bytes_ >= max_bytes; }

 private:
  static constexpr size_t overhead = 100;

  void forget(uint64_t id) {
    const auto found = messages_.find(id);
    if (found == messages_.end()) return;
    bytes_ -= found->second.size() + overhead;
    messages_.erase(found);
  }

  std::map<uint64_t, std::string> messages_;
  size_t bytes_ = 0;
};

/// The index that is installed, if one is.
class Slot {
 public:
  explicit Slot(NodeContext& node) : node_(node) {}

  bool install() {
    const std::lock_guard lock(mutex_);
    if (alive()) return false;
    index_ = std::make_shared<CommittedRecords>(node_.last_committed().seqno + 1);
    node_.get<indexing::Strategies>()->install(index_);
    return true;
  }
  bool uninstall() {
    const std::lock_guard lock(mutex_);
    const bool was_there = index_ && node_.get<indexing::Strategies>()->uninstall(index_);
    index_.reset();
    return was_there;
  }
  std::shared_ptr<const CommittedRecords> get() const {
    const std::lock_guard lock(mutex_);
    return alive() ? index_ : nullptr;
  }

 private:
  /// An index that failed is dropped by whoever feeds it: it must not answer for what it missed.
  bool alive() const { return index_ && node_.get<indexing::Strategies>()->installed(index_); }

  NodeContext& node_;
  mutable std::mutex mutex_;
  std::shared_ptr<CommittedRecords> index_;
};

void answer_switch(Call& call, bool done, std::string_view refusal) {
  call.set_status(done ? http::status::ok : http::status::precondition_failed);
  if (!done) call.set_body(refusal);
}

void get_committed(Call& call, const Slot& slot) {
  const auto id = required<uint64_t>(call.query(), "id");
  const auto index = slot.get();
  if (!index) return answer_switch(call, false, "Not currently installed");
  if (const auto msg = index->find(id)) {
    write_json_value(call, json::from(Message{*msg}));
    return;
  }
  // More than the standard error body: how far the index is.
  call.set_status(http::status::bad_request);
  call.set_json(json::object{{"error", json::object{{"code", errors::resource_not_found},
                                                    {"message", no_such_record(id)},
                                                    {"current_txid", index->watermark().text()}}}});
}

}  // namespace

void register_committed_index(EndpointRegistry& endpoints, NodeContext& node) {
  using http::Method;
  const auto slot = std::make_shared<Slot>(node);
  endpoints
      .make_command_endpoint(
          "/log/private/install_committed_index", Method::post,
          [slot](CommandEndpointContext& ctx) {
            answer_switch(ctx.call, slot->install(), "Already installed");
          },
          auth::none)
      .set_auto_schema<void, void>()
      .install();
  endpoints
      .make_command_endpoint(
          "/log/private/uninstall_committed_index", Method::post,
          [slot](CommandEndpointContext& ctx) {
            answer_switch(ctx.call, slot->uninstall(), "Not currently installed");
          },
          auth::none)
      .set_auto_schema<void, void>()
      .install();
  endpoints
      .make_command_endpoint(
          "/log/private/committed", Method::get,
          [slot](CommandEndpointContext& ctx) { get_committed(ctx.call, *slot); }, auth::none)
      .set_auto_schema<void, Message>()
      .add_query_parameter<uint64_t>("id")
      .install();
}

}  // namespace logging

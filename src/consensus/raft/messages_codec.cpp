#include "consensus/raft/messages_codec.h"

#include <type_traits>

#include "base/assert.h"

namespace entente::consensus {
namespace {

using namespace message;
using Body = decltype(Message::body);

// --------------------------------------------------------------------------------------- writing

struct Writer {
  Bytes& out;

  template <typename Integer>
  void integer(Integer value) {
    for (size_t i = 0; i < sizeof value; ++i) {
      out.push_back(static_cast<uint8_t>(uint64_t{value} >> (8 * i)));
    }
  }
  void id(TxId value) {
    integer(value.view.value);
    integer(value.seqno.value);
  }

  void body(const AppendEntries& m) {
    id(m.prev);
    integer(m.end.value);
    integer(m.entries_view.value);
    integer(m.commit.value);
    integer(m.round);
  }
  void body(const AppendResponse& m) {
    integer(static_cast<uint8_t>(m.refusal));
    integer(m.match.value);
    id(m.hint);
    integer(m.round);
  }
  void body(const RequestPreVote& m) { id(m.last_committable); }
  void body(const RequestVote& m) { id(m.last_committable); }
  void body(const PreVoteResponse& m) { integer(static_cast<uint8_t>(m.granted)); }
  void body(const VoteResponse& m) { integer(static_cast<uint8_t>(m.granted)); }
  void body(const ProposeVote&) {}
  void body(const RemovedNotice& m) {
    ENTENTE_ASSERT(m.receipt.size() <= message_limit::receipt_bytes);
    id(m.retired_committed);
    integer(static_cast<uint32_t>(m.receipt.size()));
    append(out, m.receipt);
  }
};

// --------------------------------------------------------------------------------------- reading

// Stops at the first thing that is wrong; what was read after it is meaningless.
struct Reader {
  BytesView rest;
  const char* wrong = nullptr;

  void fail(const char* why) {
    if (wrong == nullptr) wrong = why;
  }
  BytesView take(size_t size) {
    if (wrong != nullptr || rest.size() < size) {
      fail("it ends early");
      return {};
    }
    const BytesView taken = rest.first(size);
    rest = rest.subspan(size);
    return taken;
  }
  template <typename Integer>
  Integer integer() {
    uint64_t value = 0;
    size_t shift = 0;
    for (const uint8_t byte : take(sizeof(Integer))) {
      value |= uint64_t{byte} << shift;
      shift += 8;
    }
    return static_cast<Integer>(value);
  }
  template <typename Integer>
  size_t count(size_t limit, const char* why) {
    const auto value = integer<Integer>();
    if (value > limit) fail(why);
    return wrong == nullptr ? value : 0;
  }
  TxId id() {
    const View view{integer<uint64_t>()};
    return {view, SeqNo{integer<uint64_t>()}};
  }
  bool boolean() {
    const auto value = integer<uint8_t>();
    if (value > 1) fail("a flag is neither 0 nor 1");
    return value == 1;
  }

  void body(AppendEntries& m) {
    m.prev = id();
    m.end = {integer<uint64_t>()};
    m.entries_view = {integer<uint64_t>()};
    m.commit = {integer<uint64_t>()};
    m.round = integer<uint64_t>();
    if (m.end < m.prev.seqno || m.end - m.prev.seqno > message_limit::entries) {
      fail("its entries end before they begin, or are too many");
    }
  }
  void body(AppendResponse& m) {
    const auto refusal = integer<uint8_t>();
    m.refusal = static_cast<AppendRefusal>(refusal);
    if (m.refusal > AppendRefusal::invalid) fail("a refusal has no known reason");
    m.match = {integer<uint64_t>()};
    m.hint = id();
    m.round = integer<uint64_t>();
  }
  void body(RequestPreVote& m) { m.last_committable = id(); }
  void body(RequestVote& m) { m.last_committable = id(); }
  void body(PreVoteResponse& m) { m.granted = boolean(); }
  void body(VoteResponse& m) { m.granted = boolean(); }
  void body(ProposeVote&) {}
  void body(RemovedNotice& m) {
    m.retired_committed = id();
    m.receipt = to_bytes(take(count<uint32_t>(message_limit::receipt_bytes, "a long receipt")));
  }
};

// One reader for each alternative of the body, in its order.
template <size_t... Index>
bool read_body(Reader& reader, Body& body, size_t kind, std::index_sequence<Index...>) {
  const auto read_as = [&]<size_t I>(std::integral_constant<size_t, I>) {
    if (kind != I) return false;
    reader.body(body.emplace<I>());
    return true;
  };
  return (read_as(std::integral_constant<size_t, Index>{}) || ...);
}

}  // namespace

Bytes encode_head(const Message& message) {
  Bytes out;
  Writer writer{out};
  writer.integer(static_cast<uint8_t>(message.body.index()));
  writer.integer(message.view.value);
  std::visit([&](const auto& body) { writer.body(body); }, message.body);
  return out;
}

Result<Message> decode_head(BytesView bytes) {
  Reader reader{bytes};
  Message message;
  const auto kind = reader.integer<uint8_t>();
  message.view = {reader.integer<uint64_t>()};
  constexpr auto kinds = std::make_index_sequence<std::variant_size_v<Body>>{};
  if (!read_body(reader, message.body, kind, kinds)) reader.fail("its kind is unknown");
  if (reader.wrong == nullptr && !reader.rest.empty()) reader.fail("bytes follow it");
  if (reader.wrong != nullptr) return Error{std::string("consensus message: ") + reader.wrong};
  return message;
}

}  // namespace entente::consensus

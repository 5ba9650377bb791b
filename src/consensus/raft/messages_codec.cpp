#include "consensus/raft/messages_codec.h"

#include <type_traits>

#include "base/assert.h"
#include "base/wire.h"

namespace entente::consensus {
namespace {

using namespace message;
using Body = decltype(Message::body);

// --------------------------------------------------------------------------------------- writing

struct Writer : wire::Writer {
  using wire::Writer::Writer;

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
    bytes(m.receipt);
  }
};

// --------------------------------------------------------------------------------------- reading

struct Reader : wire::Reader {
  using wire::Reader::Reader;

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
    m.receipt = to_bytes(bytes(message_limit::receipt_bytes, "a long receipt"));
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
  if (auto ended = reader.end("consensus message"); !ended) return ended.error();
  return message;
}

}  // namespace entente::consensus

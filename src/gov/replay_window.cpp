#include "gov/replay_window.h"

#include <fmt/format.h>

#include <algorithm>

#include "crypto/digest.h"
#include "entente/http.h"
#include "gov/tables.h"

namespace entente::gov {
namespace {

std::string_view time_of(std::string_view key) {
  return key.substr(0, key.find(':'));
}

/// By this configuration members decide about the next one: nonsense in it must not stop them.
uint64_t window_size(kv::ReadOnlyTx& tx) {
  const auto row = tx.ro(tables::service_config).get(tables::unit());
  const auto document = row ? json::parse(as_text(*row)) : Result<json::value>(json::value());
  const json::object* config = document ? document->if_object() : nullptr;
  const json::value* size =
      config == nullptr ? nullptr : config->if_contains("recent_cose_proposals_window_size");
  if (size == nullptr || !size->is_int64() || size->get_int64() < 0) {
    return ServiceConfig::default_window;
  }
  return static_cast<uint64_t>(size->get_int64());
}

[[noreturn]] void refuse(std::string_view code, const std::string& message) {
  throw RpcException(http::status::bad_request, code, message);
}

}  // namespace

std::string window_key(uint64_t created_at, const Digest& signature) {
  return fmt::format("{:0>10}:{}", created_at, signature.hex());
}

WindowChange slide_window(std::span<const std::string> keys, std::string_view fresh,
                          size_t window) {
  WindowChange change;
  if (!keys.empty()) {
    const std::string_view bound = time_of(keys[keys.size() / 2]);
    if (time_of(fresh) < bound) {
      change.too_old = std::string(bound);
      return change;
    }
  }
  const size_t kept = std::max<size_t>(window, 1) - 1;
  if (keys.size() > kept) change.dropped = keys.size() - kept;
  return change;
}

void admit_to_window(kv::Tx& tx, uint64_t created_at, BytesView signature,
                     std::string_view proposal_id) {
  if (created_at > max_created_at) {
    refuse(errors::invalid_created_at,
           fmt::format("Header parameter created_at value is too large: {} is above {}.",
                       created_at, max_created_at));
  }
  const std::string key = window_key(created_at, crypto::sha256(signature));
  if (const auto earlier =
          tables::get<std::string>(tx, tables::cose_recent_proposals, std::string_view(key))) {
    refuse(errors::proposal_replay,
           "Proposal submission replay, already exists as proposal " + *earlier);
  }
  auto window = tx.rw(tables::cose_recent_proposals);
  std::vector<std::string> keys;
  window.foreach_key([&](BytesView known) {
    keys.push_back(to_text(known));
    return true;
  });
  const WindowChange change = slide_window(keys, key, window_size(tx));
  if (change.too_old) {
    refuse(errors::proposal_created_too_long_ago,
           fmt::format("Proposal created too long ago: created_at is {}, and must not be below {}",
                       created_at, *change.too_old));
  }
  window.put(as_bytes(key), as_bytes(json::dump(json::value(proposal_id))));
  for (size_t i = 0; i < change.dropped; ++i) window.remove(as_bytes(keys[i]));
}

}  // namespace entente::gov

#pragma once
// Handlers that speak JSON. The adapter parses the body (GET: ignored; empty: `{}`), calls the
// function and turns its result into the answer, checking `accept`. Errors of parsing and typing
// are 400 InvalidInput. Source: docs/http-api.md (JSON adapter).
//
//   registry.make_endpoint("/records", http::Method::post,
//       json_adapter<Record>([](EndpointContext& ctx, Record&& record) { …; return true; }), …)

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "entente/endpoint.h"
#include "entente/json.h"
#include "entente/json_types.h"

namespace entente {

struct JsonError {
  int status;
  std::string code;
  std::string message;
  json::array details = {};
};
struct JsonRedirect {
  int status;
  std::string location;  ///< empty: no header
};
struct AlreadyPopulated {};

/// What a JSON handler answers: a document, an error, a redirection, or nothing more to do.
using JsonAnswer = std::variant<json::value, JsonError, JsonRedirect, AlreadyPopulated>;

/// 200 with the document; null: 204.
inline JsonAnswer make_success(json::value document = nullptr) { return document; }
inline JsonAnswer make_error(int status, std::string_view code, std::string message,
                             json::array details = {}) {
  return JsonError{status, std::string(code), std::move(message), std::move(details)};
}
inline JsonAnswer make_redirect(int status, std::string location = {}) {
  return JsonRedirect{status, std::move(location)};
}
inline JsonAnswer already_populated_response() { return AlreadyPopulated{}; }

/// The two halves of the adapter. Throws JsonException.
json::value parse_json_body(const Call& call);
void write_json_answer(Call& call, JsonAnswer&& answer);
void write_json_value(Call& call, const json::value& document);

namespace detail {

template <typename Context, typename In, typename F>
auto json_handler(F function) {
  return [function = std::move(function)](Context& ctx) {
    const auto answer = [&ctx](auto&& result) {
      using Out = std::remove_cvref_t<decltype(result)>;
      if constexpr (std::is_same_v<Out, JsonAnswer>) {
        write_json_answer(ctx.call, std::forward<decltype(result)>(result));
      } else if constexpr (std::is_same_v<Out, json::value>) {
        write_json_value(ctx.call, result);
      } else {
        write_json_value(ctx.call, json::from(result));
      }
    };
    if constexpr (std::is_void_v<In>) {
      if constexpr (std::is_void_v<decltype(function(ctx))>) {
        function(ctx);
      } else {
        answer(function(ctx));
      }
    } else {
      json::value body = parse_json_body(ctx.call);
      if constexpr (std::is_same_v<In, json::value>) {
        answer(function(ctx, std::move(body)));
      } else {
        answer(function(ctx, json::to<In>(body)));
      }
    }
  };
}

}  // namespace detail

/// F: (EndpointContext&, In&&) → JsonAnswer, json::value or any type of entente/json_types.h.
/// In void: (EndpointContext&).
template <typename In = json::value, typename F>
EndpointFunction json_adapter(F function) {
  return detail::json_handler<EndpointContext, In>(std::move(function));
}
template <typename In = json::value, typename F>
ReadOnlyEndpointFunction json_read_only_adapter(F function) {
  return detail::json_handler<ReadOnlyEndpointContext, In>(std::move(function));
}
template <typename In = json::value, typename F>
CommandEndpointFunction json_command_adapter(F function) {
  return detail::json_handler<CommandEndpointContext, In>(std::move(function));
}

}  // namespace entente

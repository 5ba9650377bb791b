#include "entente/json_adapter.h"

#include "rpc/accept.h"

namespace entente {

json::value parse_json_body(const Call& call) {
  if (call.method() == http::Method::get || call.body().empty()) return json::object{};
  auto document = json::parse(as_text(call.body()));
  if (!document.ok()) throw JsonException(document.error().message);
  return std::move(*document);
}

void write_json_value(Call& call, const json::value& document) {
  if (document.is_null()) {
    call.set_status(http::status::no_content);
    return;
  }
  if (const auto accept = call.header(http::header::accept)) {
    if (const auto refusal = rpc::check_accepts_json(*accept)) {
      throw RpcException(refusal->status, refusal->code, refusal->message);
    }
  }
  call.set_status(http::status::ok);
  call.set_json(document);
}

void write_json_answer(Call& call, JsonAnswer&& answer) {
  if (const auto* document = std::get_if<json::value>(&answer)) {
    write_json_value(call, *document);
  } else if (const auto* error = std::get_if<JsonError>(&answer)) {
    call.set_error(error->status, error->code, error->message, error->details);
  } else if (const auto* redirect = std::get_if<JsonRedirect>(&answer)) {
    call.set_status(redirect->status);
    if (!redirect->location.empty()) call.set_header(http::header::location, redirect->location);
  }
}

}  // namespace entente

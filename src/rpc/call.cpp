#include "entente/call.h"

#include "entente/endpoint.h"

namespace entente {

std::string_view Call::path_parameter(std::string_view name) const {
  if (endpoint_ != nullptr) {
    const auto& names = endpoint_->parameter_names;
    for (size_t i = 0; i < names.size(); ++i) {
      if (names[i] == name) return path_parameters_[i];
    }
  }
  throw std::logic_error("No path parameter '" + std::string(name) + "' in the template");
}

void Call::set_json(const json::value& document) {
  response_->set_body(json::dump(document), http::content_type::json);
}

void Call::set_error(int status, std::string_view code, std::string_view message,
                     const json::array& details) {
  entente::set_error(*response_, status, code, message, details);
}

void Call::reset() {
  response_->reset();
  caller_.reset();
  apply_writes_.reset();
  claims_digest_.reset();
  user_data_.reset();
}

void set_error(http::Response& response, int status, std::string_view code,
               std::string_view message, const json::array& details) {
  json::object error{{"code", code}, {"message", message}};
  if (!details.empty()) error.emplace("details", details);
  response.status = status;
  response.set_body(json::dump(json::object{{"error", std::move(error)}}),
                    http::content_type::json);
}

}  // namespace entente

#include "net/problem.h"

#include "base/json.h"

namespace entente::net {

void set_problem(http::Response& response, int status, std::string_view code,
                 std::string_view message) {
  json::object error;
  error["code"] = code;
  error["message"] = message;
  json::object body;
  body["error"] = std::move(error);
  response.status = status;
  response.set_body(json::dump(std::move(body)), "application/json");
}

}  // namespace entente::net

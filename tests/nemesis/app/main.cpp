// The application under test of tests/nemesis: named objects, each with a log of the operations that
// changed it and a number. A write says what it changes and answers with what it found, a read with
// what it found; so every answer tells which writes it saw, in which order.
//
//   POST /app/apply  {"id": text, "changes": {key: number to add}}  ->  {key: {"log", "value"}}
//   GET  /app/read?keys=a,b,c                                       ->  {key: {"log", "value"}}

#include <boost/describe/class.hpp>
#include <map>
#include <string>
#include <vector>

#include "entente/app.h"

namespace {

using namespace entente;

struct Object {
  std::vector<std::string> log;
  int64_t value = 0;
};
BOOST_DESCRIBE_STRUCT(Object, (), (log, value))

struct Request {
  std::string id;
  std::map<std::string, int64_t> changes;
};
BOOST_DESCRIBE_STRUCT(Request, (), (id, changes))

using Objects = std::map<std::string, Object>;

const kv::Map<std::string, Object> table("objects");
constexpr size_t longest_log = 10'000;

JsonAnswer apply(EndpointContext& ctx, Request&& request) {
  auto objects = ctx.tx.rw(table);
  Objects found;
  for (const auto& [key, add] : request.changes) {
    Object object = objects.get(key).value_or(Object{});
    if (object.log.size() >= longest_log) {
      return make_error(http::status::bad_request, errors::invalid_input, "The log is full.");
    }
    found[key] = object;
    object.log.push_back(request.id);
    object.value += add;
    objects.put(key, object);
  }
  return make_success(json::from(found));
}

JsonAnswer read(ReadOnlyEndpointContext& ctx) {
  const auto query = ctx.call.query();
  const auto asked = query.get<std::string>("keys");
  if (!asked) {
    return make_error(http::status::bad_request, errors::invalid_query_parameter_value,
                      asked.error().message);
  }
  const std::string& keys = *asked;
  auto objects = ctx.tx.ro(table);
  Objects found;
  for (size_t begin = 0; begin <= keys.size();) {
    const size_t end = std::min(keys.find(',', begin), keys.size());
    const std::string key = keys.substr(begin, end - begin);
    found[key] = objects.get(key).value_or(Object{});
    begin = end + 1;
  }
  return make_success(json::from(found));
}

void register_endpoints(EndpointRegistry& endpoints, NodeContext&) {
  endpoints
      .make_endpoint("/apply", http::Method::post, json_adapter<Request>(apply),
                     {auth::user_cert()})
      .install();
  endpoints
      .make_read_only_endpoint("/read", http::Method::get, json_read_only_adapter<void>(read),
                               {auth::user_cert()})
      .install();
}

}  // namespace

int main(int argc, char** argv) {
  return run(argc, argv, {.name = "nemesis", .register_endpoints = register_endpoints});
}

#include "rpc/router.h"

#include <gtest/gtest.h>

#include <array>

namespace entente::rpc {
namespace {

using http::Method;

class RouterTest : public testing::Test {
 protected:
  void add(const std::string& path, Method method) {
    registry_.make_command_endpoint(path, method, [](CommandEndpointContext&) {}, {}).install();
  }
  /// `path[ value…]` of the endpoint found, or the kind of failure.
  std::string find(Method method, std::string_view path) {
    Router router;
    router.build(registry_);
    std::array<std::string_view, PathTemplate::max_parameters> values;
    const Match match = router.find(method, path, values);
    switch (match.kind) {
      case Match::Kind::unknown_path:
        return "unknown";
      case Match::Kind::other_methods:
        return Router::allow_list(match.methods);
      case Match::Kind::ambiguous: {
        std::string out = "ambiguous";
        for (const auto& candidate : match.candidates) out += " " + candidate;
        return out;
      }
      case Match::Kind::endpoint:
        break;
    }
    std::string out = match.endpoint->path;
    for (size_t i = 0; i < match.endpoint->parameter_names.size(); ++i) {
      out += " " + std::string(values[i]);
    }
    return out;
  }

  EndpointRegistry registry_{"app"};
};

TEST_F(RouterTest, prefers_exact_paths_over_templates) {
  add("/nodes/{id}", Method::get);
  add("/nodes/self", Method::get);
  add("/nodes/self", Method::put);
  add("/nodes/{id}", Method::del);
  EXPECT_EQ(find(Method::get, "/nodes/self"), "/nodes/self");
  EXPECT_EQ(find(Method::get, "/nodes/other"), "/nodes/{id} other");
  EXPECT_EQ(find(Method::del, "/nodes/self"), "/nodes/{id} self");
  EXPECT_EQ(find(Method::get, "/nodes"), "unknown");
  EXPECT_EQ(find(Method::get, "/nodes/a/b"), "unknown");
  EXPECT_EQ(find(Method::get, ""), "unknown");
  EXPECT_EQ(find(Method::get, "/"), "unknown");
}

TEST_F(RouterTest, lists_methods_of_exact_path_and_templates_in_order) {
  add("/log/{id}", Method::put);
  add("/log/one", Method::post);
  add("/log/one", Method::patch);
  add("/log/one", Method::del);
  add("/log/one", Method::head);
  EXPECT_EQ(find(Method::get, "/log/one"), "OPTIONS, DELETE, HEAD, POST, PUT, PATCH");
  EXPECT_EQ(find(Method::options, "/log/one"), "OPTIONS, DELETE, HEAD, POST, PUT, PATCH");
  EXPECT_EQ(find(Method::get, "/log/two"), "OPTIONS, PUT");
}

TEST_F(RouterTest, names_every_template_of_an_ambiguity) {
  add("/{a}/x", Method::get);
  add("/y/{b}", Method::get);
  add("/{a}/{b}", Method::put);
  EXPECT_EQ(find(Method::get, "/y/x"), "ambiguous /{a}/x /y/{b}");
  EXPECT_EQ(find(Method::get, "/y/z"), "/y/{b} z");
  EXPECT_EQ(find(Method::get, "/z/x"), "/{a}/x z");
  EXPECT_EQ(find(Method::put, "/y/x"), "/{a}/{b} y x") << "other verbs do not make it ambiguous";
}

TEST_F(RouterTest, keeps_the_values_of_the_template_that_has_the_verb) {
  add("/{a}:{b}/x", Method::get);
  add("/{whole}/x", Method::put);
  EXPECT_EQ(find(Method::get, "/1:2/x"), "/{a}:{b}/x 1 2");
  EXPECT_EQ(find(Method::put, "/1:2/x"), "/{whole}/x 1:2");
}

TEST_F(RouterTest, falls_back_to_the_default_endpoint) {
  add("/a", Method::get);
  registry_.set_default([](EndpointContext&) {}, {});
  EXPECT_EQ(find(Method::get, "/a"), "/a");
  EXPECT_EQ(find(Method::put, "/a"), "/");
  EXPECT_EQ(find(Method::get, "/b/c"), "/");
}

TEST_F(RouterTest, registration_refuses_duplicates_and_bad_templates) {
  add("/a/{b}", Method::get);
  EXPECT_THROW(add("/a/{b}", Method::get), std::logic_error);
  EXPECT_NO_THROW(add("/a/{b}", Method::put));
  EXPECT_THROW(add("/a/{b", Method::get), std::logic_error);
  EXPECT_NO_THROW(add("no/slash", Method::get));
  EXPECT_EQ(find(Method::get, "/no/slash"), "/no/slash");
}

}  // namespace
}  // namespace entente::rpc

// The entry point of application programs (include/entente/app.h).

#include "cli/command_line.h"
#include "cli/large_pages.h"
#include "entente/app.h"
#include "node/node.h"

namespace entente {

int run(int argc, char** argv, const Application& application) {
  return run(argc, argv, std::vector<Application>{application});
}

int run(int argc, char** argv, const std::vector<Application>& applications) {
  cli::prefer_large_pages();
  cli::Hooks hooks;
  for (const Application& application : applications) {
    hooks.applications.push_back(application.name);
  }
  hooks.run_node = [&](const cli::NodeInvocation& invocation) {
    for (const Application& application : applications) {
      if (application.name != invocation.application) continue;
      return node::run(invocation.configuration, application, invocation.command_line).code;
    }
    return cli::exit_code::bad_option;  // not reached: the command line knows the names
  };
  return cli::main(argc, argv, hooks);
}

}  // namespace entente

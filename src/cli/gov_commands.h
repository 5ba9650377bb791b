#pragma once
// The subcommands of `gov` that have files of their own.

#include "cli/commands.h"

namespace entente::cli {

/// `gov propose`.
void add_gov_propose(CLI::App& gov, Invocation& invocation);
/// `gov members`, `list`, `show`, `actions`.
void add_gov_looks(CLI::App& gov, Invocation& invocation);
/// `gov audit`: decisions out of a ledger's files.
void add_gov_audit(CLI::App& gov, Invocation& invocation);
/// `gov bench`: decisions a second.
void add_gov_bench(CLI::App& gov, Invocation& invocation);

}  // namespace entente::cli

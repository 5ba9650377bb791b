#pragma once
// The one line on a running cluster of a sandbox.

#include <functional>
#include <optional>
#include <string>

#include "cli/cluster_view.h"
#include "cli/status_line.h"

namespace entente::cli {

/// `name`: what people call the node of an id. `rate`: committed transactions a second. The gist is
/// who is primary since which view, and how many nodes answer.
Status sandbox_status(const ClusterView& cluster,
                      const std::function<std::string(const std::string& id)>& name,
                      std::optional<double> rate);

/// Newest transaction that any node that answers knows to be globally committed.
std::optional<TxId> committed_of(const ClusterView& cluster);

}  // namespace entente::cli

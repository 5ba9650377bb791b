#pragma once
// The start of a sandbox: its nodes one after the other, until all of them are one service.

#include <csignal>
#include <optional>

#include "cli/cluster_observer.h"
#include "cli/sandbox_cluster.h"
#include "cli/sandbox_governance.h"

namespace entente::cli {

/// Exit code of a start that came to nothing; it was said why. No value: all is well.
using FailedStart = std::optional<int>;

/// Starts as many nodes as planned: the members open the service as soon as its first node answers
/// them, and trust each further node; the next is started when the application of the one before it
/// answers. `signals` interrupt it.
FailedStart start_nodes(SandboxCluster& cluster, SandboxGovernance& governance,
                        const sigset_t& signals);

/// Waits until all of them vote, and know it.
FailedStart wait_until_complete(SandboxCluster& cluster, ClusterObserver& observer,
                                const sigset_t& signals);

}  // namespace entente::cli

#pragma once
// Download of snapshots by joining nodes and backups. Source: docs/http-api.md (Node endpoints).

#include "entente/endpoint.h"

namespace entente::node {

/// `/snapshot` and `/snapshot/{snapshot_name}`, on interfaces with the feature SnapshotRead. This
/// release writes no snapshots: there is none to find.
void install_snapshot_endpoints(EndpointRegistry& registry);

}  // namespace entente::node

// The join policy of nodes without a trusted execution environment, for development. To be put after
// actions.js of another constitution.
defineMeasurements(
  "add_virtual_measurement",
  "remove_virtual_measurement",
  "measurement",
  "nodes.virtual.measurements"
);

define("add_virtual_host_data", { host_data: "string" }, (args, proposalId) => {
  table("nodes.virtual.host_data").set(bytes(args.host_data), getSingletonKvKey());
  invalidateOtherOpenProposals(proposalId);
});

define("remove_virtual_host_data", { host_data: "string" }, (args) => {
  table("nodes.virtual.host_data").delete(bytes(args.host_data));
});

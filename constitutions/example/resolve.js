// The worked example of docs/governance.md, to be used with actions.js, validate.js and apply.js of the
// default constitution. Three rules:
//   1. operators run the nodes: they trust and retire them with one signature, and have no vote;
//   2. what changes code needs two thirds of the voters;
//   3. everything else needs more than half of them.
// A proposal that can no longer reach its majority is rejected at once.
const membersInfo = "public:ccf.gov.members.info";

const nodeActions = new Set([
  "transition_node_to_trusted",
  "remove_node",
  "set_node_data",
  "set_node_certificate_validity",
  "set_all_nodes_certificate_validity",
]);

// What runs, where it may run, and who decides about it.
const codeActions = new Set([
  "set_constitution",
  "set_js_app",
  "remove_js_app",
  "set_js_runtime_options",
  "add_node_code",
  "add_snp_measurement",
  "add_snp_uvm_endorsement",
  "add_snp_host_data",
  "set_snp_minimum_tcb_version",
  "set_snp_minimum_tcb_version_hex",
  "remove_snp_minimum_tcb_version",
  "add_virtual_measurement",
  "add_virtual_host_data",
]);

// Active members: id -> whether it is an operator.
function activeMembers() {
  const active = new Map();
  ccf.kv[membersInfo].forEach((row, id) => {
    const { status, member_data: data } = ccf.bufToJsonCompatible(row);
    if (status === "Active") active.set(ccf.bufToStr(id), data?.is_operator === true);
  });
  return active;
}

// Votes in favour that a proposal with these actions needs, of so many voters.
function needed(steps, voters) {
  const aboutCode = steps.some(({ name }) => codeActions.has(name));
  return aboutCode ? Math.ceil((2 * voters) / 3) : Math.floor(voters / 2) + 1;
}

export function resolve(proposalText, proposerId, votes, proposalId) {
  const { actions: steps } = JSON.parse(proposalText);
  const active = activeMembers();
  const onlyNodes = steps.every(({ name }) => nodeActions.has(name));
  if (onlyNodes && active.get(proposerId) === true) return "Accepted";

  const isVoter = (id) => active.get(id) === false;
  const voters = [...active.keys()].filter(isVoter).length;
  const counted = votes.filter(({ member_id }) => isVoter(member_id));
  const inFavour = counted.filter(({ vote }) => vote).length;
  const against = counted.length - inFavour;
  if (voters > 0 && inFavour >= needed(steps, voters)) return "Accepted";
  return voters - against < needed(steps, voters) ? "Rejected" : "Open";
}

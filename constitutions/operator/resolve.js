// Operators are members who run nodes: they hold no recovery share, and their member_data says
// is_operator. They decide alone about nodes, which run accepted code only, and about other operators;
// everything else, the acceptance of code included (it also drops all open proposals), is for a
// strict majority of the other active members, and operators' votes do not count there.
const membersInfo = "public:ccf.gov.members.info";
const encryptionKeys = "public:ccf.gov.members.encryption_public_keys";

// What an operator may do with a single signature: name -> whether with these arguments.
const operatorActions = new Map([
  ["transition_node_to_trusted", () => true],
  ["remove_node", () => true],
  ["set_member", isNewOperator],
  ["remove_member", (args) => isOperator(args.member_id)],
  // The names that the first two had once.
  ["trust_node", () => true],
  ["retire_node", () => true],
]);

function isOperator(memberId) {
  const key = ccf.strToBuf(memberId);
  const row = ccf.kv[membersInfo].get(key);
  if (row === undefined || ccf.kv[encryptionKeys].has(key)) return false;
  return Boolean(ccf.bufToJsonCompatible(row).member_data?.is_operator);
}

// A member who is there already must not be made an operator that way: it would lose its vote. Nor may
// an operator bring in members with keys, who would have one.
function isNewOperator({ cert, encryption_pub_key, member_data }) {
  if (!member_data?.is_operator || encryption_pub_key) return false;
  const id = ccf.pemToId(cert);
  return isOperator(id) || !ccf.kv[membersInfo].has(ccf.strToBuf(id));
}

function isActive(memberId) {
  const row = ccf.kv[membersInfo].get(ccf.strToBuf(memberId));
  return row !== undefined && ccf.bufToJsonCompatible(row).status === "Active";
}

// Active members who are no operators.
function voters() {
  const out = new Set();
  ccf.kv[membersInfo].forEach((info, key) => {
    const id = ccf.bufToStr(key);
    if (ccf.bufToJsonCompatible(info).status === "Active" && !isOperator(id)) out.add(id);
  });
  return out;
}

export function resolve(proposalText, proposerId, votes, proposalId) {
  const { actions: steps } = JSON.parse(proposalText);
  const forOperators = steps.every(({ name, args }) => operatorActions.get(name)?.(args) === true);
  if (forOperators && isActive(proposerId) && isOperator(proposerId)) return "Accepted";

  const entitled = voters();
  const inFavour = votes.filter(({ member_id, vote }) => vote && entitled.has(member_id)).length;
  return inFavour > Math.floor(entitled.size / 2) ? "Accepted" : "Open";
}

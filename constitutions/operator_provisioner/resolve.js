// A provisioner is a member whose member_data says is_operator_provisioner: it adds and removes
// operators with its signature alone, and proposes nothing else. Everything else is for a strict
// majority of the members who are neither operators nor provisioners.
const membersInfo = "public:ccf.gov.members.info";

function memberInfo(memberId) {
  const row = ccf.kv[membersInfo].get(ccf.strToBuf(memberId));
  return row === undefined ? undefined : ccf.bufToJsonCompatible(row);
}

const isOperator = (info) => Boolean(info?.member_data?.is_operator);
const isProvisioner = (info) => Boolean(info?.member_data?.is_operator_provisioner);

// A member who is there already must not be made an operator that way: it would lose its vote.
function isNewOperator({ cert, encryption_pub_key, member_data }) {
  if (!member_data?.is_operator || encryption_pub_key) return false;
  const known = memberInfo(ccf.pemToId(cert));
  return known === undefined || isOperator(known);
}

// What a provisioner may do: name -> whether with these arguments.
const provisionerActions = new Map([
  ["set_member", isNewOperator],
  ["remove_member", (args) => isOperator(memberInfo(args.member_id))],
]);

function voters() {
  const out = new Set();
  ccf.kv[membersInfo].forEach((row, key) => {
    const info = ccf.bufToJsonCompatible(row);
    const excluded = isOperator(info) || isProvisioner(info);
    if (info.status === "Active" && !excluded) out.add(ccf.bufToStr(key));
  });
  return out;
}

export function resolve(proposalText, proposerId, votes, proposalId) {
  const { actions: steps } = JSON.parse(proposalText);
  if (isProvisioner(memberInfo(proposerId))) {
    const allowed = steps.every(({ name, args }) => provisionerActions.get(name)?.(args) === true);
    return allowed ? "Accepted" : "Rejected";
  }

  const entitled = voters();
  const inFavour = votes.filter(({ member_id, vote }) => vote && entitled.has(member_id)).length;
  return inFavour > Math.floor(entitled.size / 2) ? "Accepted" : "Open";
}

// Decisions for tests of governance itself: a proposal with one action out of test_actions.js is
// decided as the name of the action says. Else provisioners add and remove operators alone, and a
// strict majority of the active members who are neither operators nor provisioners accepts; every
// vote in favour counts, whoever cast it.
const membersInfo = "public:ccf.gov.members.info";

function dataOf(memberId) {
  const row = ccf.kv[membersInfo].get(ccf.strToBuf(memberId));
  return (row === undefined ? undefined : ccf.bufToJsonCompatible(row).member_data) ?? {};
}

const isOperator = (memberId) => Boolean(dataOf(memberId).is_operator);
const isProvisioner = (memberId) => Boolean(dataOf(memberId).is_operator_provisioner);
const count = (votes, wanted) => votes.filter(({ vote }) => vote === wanted).length;

// Undefined: the rules below decide.
const decisions = new Map([
  ["always_accept_noop", () => "Accepted"],
  ["always_reject_noop", () => "Rejected"],
  ["always_accept_with_one_vote", (votes) => (count(votes, true) >= 1 ? "Accepted" : undefined)],
  ["always_reject_with_one_vote", (votes) => (count(votes, false) >= 1 ? "Rejected" : undefined)],
  ["always_accept_with_two_votes", (votes) => (count(votes, true) >= 2 ? "Accepted" : undefined)],
  ["always_reject_with_two_votes", (votes) => (count(votes, false) >= 2 ? "Rejected" : undefined)],
  [
    "always_accept_if_voted_by_operator",
    (votes) => (votes.some(({ member_id, vote }) => vote && isOperator(member_id)) ? "Accepted" : undefined),
  ],
  [
    "always_accept_if_proposed_by_operator",
    (_, proposerId) => (isOperator(proposerId) ? "Accepted" : undefined),
  ],
  ["always_throw_in_apply", () => "Accepted"],
  [
    "always_throw_in_resolve",
    () => {
      throw new Error("Resolve message");
    },
  ],
]);

function isAboutOperators({ name, args }) {
  if (name === "set_member") return Boolean(args.member_data?.is_operator) && !args.encryption_pub_key;
  return name === "remove_member" && isOperator(args.member_id);
}

function voterCount() {
  let voters = 0;
  ccf.kv[membersInfo].forEach((row) => {
    const { status, member_data: data } = ccf.bufToJsonCompatible(row);
    if (status === "Active" && !data?.is_operator && !data?.is_operator_provisioner) ++voters;
  });
  return voters;
}

export function resolve(proposalText, proposerId, votes, proposalId) {
  const { actions: steps } = JSON.parse(proposalText);
  const decision = steps.length === 1 ? decisions.get(steps[0].name)?.(votes, proposerId) : undefined;
  if (decision !== undefined) return decision;
  if (isProvisioner(proposerId)) return steps.every(isAboutOperators) ? "Accepted" : "Rejected";
  return count(votes, true) > Math.floor(voterCount() / 2) ? "Accepted" : "Open";
}

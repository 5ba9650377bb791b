// What becomes of a proposal, given the ballots so far? Run after each ballot; reads only.
// More than half of the active members must agree; half against rejects.
function activeMembers() {
  const active = new Set();
  ccf.kv["public:ccf.gov.members.info"].forEach((info, id) => {
    if (ccf.bufToJsonCompatible(info).status === "Active") active.add(ccf.bufToStr(id));
  });
  return active;
}

export function resolve(proposalText, proposerId, votes, proposalId) {
  const active = activeMembers();
  const counted = votes.filter((ballot) => active.has(ballot.member_id));
  const inFavour = counted.filter((ballot) => ballot.vote).length;
  const against = counted.length - inFavour;
  if (2 * inFavour > active.size) return "Accepted";
  if (active.size > 0 && 2 * against >= active.size) return "Rejected";
  return "Open";
}

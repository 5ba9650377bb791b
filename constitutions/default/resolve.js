// What becomes of a proposal, given the votes so far? Called when it is made and after every ballot;
// reads only. A strict majority of the active members accepts. Nothing rejects: a proposal that finds
// no majority stays open until its proposer withdraws it or the others change their minds.
function activeMembers() {
  const active = new Set();
  ccf.kv["public:ccf.gov.members.info"].forEach((info, id) => {
    if (ccf.bufToJsonCompatible(info).status === "Active") active.add(ccf.bufToStr(id));
  });
  return active;
}

// The vote of somebody who was removed since then does not count.
export function resolve(proposalText, proposerId, votes, proposalId) {
  const active = activeMembers();
  const inFavour = votes.filter(({ member_id, vote }) => vote && active.has(member_id)).length;
  return inFavour > Math.floor(active.size / 2) ? "Accepted" : "Open";
}

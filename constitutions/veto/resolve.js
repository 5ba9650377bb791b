// One vote against is enough to reject; else a strict majority of the active members accepts.
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
  const counted = votes.filter(({ member_id }) => active.has(member_id));
  if (counted.some(({ vote }) => !vote)) return "Rejected";
  return counted.length > Math.floor(active.size / 2) ? "Accepted" : "Open";
}

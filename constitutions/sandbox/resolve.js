// For trying things out: every well-formed proposal is accepted at once, without a vote.
export function resolve(proposalText, proposerId, votes, proposalId) {
  return "Accepted";
}

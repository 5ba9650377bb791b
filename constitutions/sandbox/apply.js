// Carries out an accepted proposal, action by action, in one transaction.
export function apply(proposalText, proposalId) {
  for (const step of JSON.parse(proposalText).actions) {
    actions.get(step.name).apply(step.args, proposalId);
  }
}

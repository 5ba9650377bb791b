// Carries out an accepted proposal, action after action, in the transaction of the deciding vote. What
// an action throws undoes all of them, and the proposal stays open.
export function apply(proposalText, proposalId) {
  for (const { name, args } of JSON.parse(proposalText).actions) {
    actions.get(name).apply(args, proposalId);
  }
}

// Is this proposal well formed? Run when a proposal is made; reads only.
export function validate(proposalText) {
  const faults = [];
  const proposal = JSON.parse(proposalText);
  const list = Array.isArray(proposal?.actions) ? proposal.actions : [];
  if (list.length === 0) faults.push("a proposal has a list 'actions' that is not empty");
  list.forEach((step, position) => {
    const action = actions.get(step?.name);
    if (action === undefined) {
      faults.push(`action ${position}: '${step?.name}' is not known`);
      return;
    }
    try {
      action.validate(step.args);
    } catch (error) {
      faults.push(`action ${position}, ${step.name}: ${error.message}`);
    }
  });
  return { valid: faults.length === 0, description: faults.join("; ") };
}

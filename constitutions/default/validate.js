// Is this proposal well formed? Called when it is made; reads only. A text that is not JSON throws.

// How many characters to type, to leave out or to replace to get from one name to the other.
function distance(from, to) {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 1; i <= from.length; ++i) {
    const next = [i];
    for (let j = 1; j <= to.length; ++j) {
      const replaced = row[j - 1] + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j] + 1, next[j - 1] + 1));
    }
    row = next;
  }
  return row[to.length];
}

function unknownAction(name, position) {
  const fault = `${name} at position ${position}: this constitution has no such action`;
  if (typeof name !== "string" || name.length > 64) return fault;
  const near = [...actions.keys()].filter((known) => distance(name, known) <= 3);
  return near.length === 0 ? fault : `${fault}; did you mean ${near.join(" or ")}?`;
}

function faultOf(step, position) {
  const action = actions.get(step?.name);
  if (action === undefined) return unknownAction(step?.name, position);
  try {
    action.validate(step.args);
  } catch (error) {
    return `${step.name} at position ${position} failed validation: ${error}\n${error.stack}`;
  }
}

export function validate(proposalText) {
  const steps = JSON.parse(proposalText)?.actions;
  if (!Array.isArray(steps)) {
    return { valid: false, description: 'a proposal is {"actions": [{"name": ..., "args": ...}, ...]}' };
  }
  const faults = steps.map(faultOf).filter((fault) => fault !== undefined);
  return { valid: faults.length === 0, description: faults.join(", ") };
}

// Actions for tests of governance itself. To be put after actions.js of the default constitution, with
// the resolve.js beside this file.
const decidedByResolve = [
  "always_accept_noop",
  "always_reject_noop",
  "always_accept_with_one_vote",
  "always_reject_with_one_vote",
  "always_accept_with_two_votes",
  "always_reject_with_two_votes",
  "always_accept_if_voted_by_operator",
  "always_accept_if_proposed_by_operator",
  "always_throw_in_resolve",
];
for (const name of decidedByResolve) defineWithAnyArguments(name, () => {});

defineWithAnyArguments("always_throw_in_apply", () => {
  throw new Error("Error message");
});

define("valid_pem", { pem: checkX509CertBundle }, () => {});

define(
  "set_service_recent_cose_proposals_window_size",
  {
    proposal_count: (value, field) => {
      checkType(value, "integer", field);
      checkBounds(value, 1, 100000, field);
    },
  },
  (args) => {
    const configuration = serviceConfiguration();
    configuration.recent_cose_proposals_window_size = args.proposal_count;
    writeJson("service.config", getSingletonKvKey(), configuration);
  }
);

// The id handed to apply is that of the proposal which this action is part of.
defineWithAnyArguments("check_proposal_id_is_set_correctly", (args, proposalId) => {
  const stored = readJson("proposals", bytes(proposalId));
  requireThat(stored !== undefined, `no proposal is stored as ${proposalId}`);
  const same = stored.actions.some(
    (step) =>
      step.name === "check_proposal_id_is_set_correctly" && JSON.stringify(step.args) === JSON.stringify(args)
  );
  requireThat(same, `proposal ${proposalId} is another one`);
});

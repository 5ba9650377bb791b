// For applications whose calls are permitted by role: an action that says which actions of the
// application a role may perform. To be put after actions.js of another constitution. The table is the
// application's: proposals may write it, and never read it.
actions.set(
  "set_role_definition",
  new Action(
    (args) => {
      checkType(args?.role, "string", "role");
      checkType(args.actions, "array", "actions");
      args.actions.forEach((name, i) => checkType(name, "string", `actions[${i}]`));
    },
    (args) => {
      const permitted = ccf.kv[`public:programmability.roles.${args.role}`];
      permitted.clear();
      for (const name of args.actions) permitted.set(ccf.jsonCompatibleToBuf(name), getSingletonKvKey());
    }
  )
);

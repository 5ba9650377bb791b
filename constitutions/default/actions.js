// The actions that proposals may name. Each has
//   validate(args)            throws with a reason if the arguments are not well formed; reads only
//   apply(args, proposalId)   changes the tables of the service; what it throws undoes the proposal
// Files that come after this one add theirs: actions.set(name, new Action(validate, apply)).
//
// Top-level code must not use `ccf`: a constitution is checked where it does not exist.

class Action {
  constructor(validate, apply) {
    this.validate = validate;
    this.apply = apply;
  }
}

const actions = new Map();

// ---- Checks of arguments ------------------------------------------------------------------------

function requireThat(condition, reason) {
  if (!condition) throw new Error(reason);
}

// `type` is what typeof says, or "array" or "integer"; with a `?` at its end the argument may be left
// out or null.
function checkType(value, type, field) {
  const optional = type.endsWith("?");
  const wanted = optional ? type.slice(0, -1) : type;
  if (optional && (value === undefined || value === null)) return;
  const fits =
    wanted === "array"
      ? Array.isArray(value)
      : wanted === "integer"
        ? Number.isInteger(value)
        : typeof value === wanted;
  requireThat(fits, `${field} must be of type ${wanted}${value === undefined ? ", and is missing" : ""}`);
}

function checkEnum(value, members, field) {
  requireThat(members.includes(value), `${field} must be one of ${members.join(", ")}, not ${value}`);
}

// Null means no bound.
function checkBounds(value, low, high, field) {
  requireThat(low === null || value >= low, `${field} must be at least ${low}, not ${value}`);
  requireThat(high === null || value <= high, `${field} must be at most ${high}, not ${value}`);
}

function checkLength(value, low, high, field) {
  checkBounds(value.length, low, high, `the length of ${field}`);
}

function checkNone(args) {
  requireThat(args === undefined || args === null, "this action takes no arguments: leave out args");
}

function checkEntityId(value, field) {
  checkType(value, "string", field);
  requireThat(
    /^[0-9a-fA-F]{64}$/.test(value),
    `${field} must be an id of 64 hex digits; this has ${value.length} characters`
  );
}

function checkX509CertBundle(value, field) {
  checkType(value, "string", field);
  requireThat(value !== "", `${field} is empty: a PEM certificate is needed`);
  requireThat(
    ccf.crypto.isValidX509CertBundle(value),
    `${field} must be a PEM certificate with its line breaks; this cannot be read as one`
  );
}

function checkHex(value, bytes, field) {
  checkType(value, "string", field);
  requireThat(
    value.length === 2 * bytes && /^[0-9a-f]*$/.test(value),
    `${field} must be ${2 * bytes} lower-case hex digits (${bytes} bytes), not ${value}`
  );
}

// Adds an action whose arguments have this shape: name -> a type of checkType, or check(value, field).
// `further(args)` sees them when each is good by itself.
function define(name, shape, apply, further = () => {}) {
  const validate = (args) => {
    requireThat(
      typeof args === "object" && args !== null,
      `args is missing: ${name} takes an object with ${Object.keys(shape).join(", ")}`
    );
    for (const [field, check] of Object.entries(shape)) {
      if (typeof check === "string") checkType(args[field], check, field);
      else check(args[field], field);
    }
    further(args);
  };
  actions.set(name, new Action(validate, apply));
}

function defineWithoutArguments(name, apply) {
  actions.set(name, new Action(checkNone, apply));
}

function defineWithAnyArguments(name, apply) {
  actions.set(name, new Action(() => {}, apply));
}

const unlessUndefined = (check) => (value, field) => {
  if (value !== undefined) check(value, field);
};

// Null is not "left out" here: it is below the lower bound.
const integerBetween = (low, high) => (value, field) => {
  checkType(value, "integer?", field);
  if (value !== undefined) checkBounds(value, low, high, field);
};

// ---- Tables -------------------------------------------------------------------------------------

const table = (name) => ccf.kv[`public:ccf.gov.${name}`];
const bytes = (text) => ccf.strToBuf(text);
const getSingletonKvKey = () => new ArrayBuffer(8); // the one key of tables that have one row

function readJson(tableName, key) {
  const row = table(tableName).get(key);
  return row === undefined ? undefined : ccf.bufToJsonCompatible(row);
}

function writeJson(tableName, key, value) {
  table(tableName).set(key, ccf.jsonCompatibleToBuf(value));
}

function serviceConfiguration() {
  const configuration = readJson("service.config", getSingletonKvKey());
  requireThat(configuration !== undefined, "this service has no configuration yet");
  return configuration;
}

function serviceInfo() {
  const info = readJson("service.info", getSingletonKvKey());
  requireThat(info !== undefined, "there is no service yet");
  return info;
}

// What was decided about code or the constitution changes what the others were asked to agree to: they
// are to be proposed again.
function invalidateOtherOpenProposals(proposalIdToRetain) {
  const proposals = table("proposals_info");
  proposals.forEach((row, key) => {
    const info = ccf.bufToJsonCompatible(row);
    if (info.state !== "Open" || ccf.bufToStr(key) === proposalIdToRetain) return;
    proposals.set(key, ccf.jsonCompatibleToBuf({ ...info, state: "Dropped" }));
  });
}

// ---- The constitution, members and users --------------------------------------------------------

define(
  "set_constitution",
  { constitution: "string" },
  (args, proposalId) => {
    writeJson("constitution", getSingletonKvKey(), args.constitution);
    invalidateOtherOpenProposals(proposalId);
  },
  (args) => ccf.gov.validateConstitution(args.constitution)
);

const recoveryRoles = ["NonParticipant", "Participant", "Owner"];

// Active members who hold a recovery share or the whole recovery key.
function recoveryMemberCount() {
  let count = 0;
  table("members.encryption_public_keys").forEach((_, id) => {
    if (readJson("members.info", id)?.status === "Active") ++count;
  });
  return count;
}

define(
  "set_member",
  {
    cert: checkX509CertBundle,
    encryption_pub_key: "string?",
    member_data: "object?",
    recovery_role: unlessUndefined((value, field) => checkEnum(value, recoveryRoles, field)),
  },
  (args) => {
    const row = ccf.kv["public:ccf.internal.signatures"].get(getSingletonKvKey());
    requireThat(row !== undefined, "nothing in the ledger is signed yet: propose the member once more");
    const id = bytes(ccf.pemToId(args.cert));
    table("members.certs").set(id, bytes(args.cert));
    if (typeof args.encryption_pub_key === "string") {
      table("members.encryption_public_keys").set(id, bytes(args.encryption_pub_key));
    } else {
      table("members.encryption_public_keys").delete(id);
    }
    writeJson("members.info", id, {
      member_data: args.member_data ?? undefined,
      recovery_role: args.recovery_role,
      status: "Accepted",
    });
    writeJson("members.acks", id, { state_digest: ccf.bufToJsonCompatible(row).root });
  },
  (args) => {
    requireThat(
      args.recovery_role === undefined || typeof args.encryption_pub_key === "string",
      `recovery_role ${args.recovery_role} needs an encryption_pub_key: add one, or leave out the role`
    );
  }
);

define("remove_member", { member_id: checkEntityId }, (args) => {
  const id = bytes(args.member_id);
  const info = readJson("members.info", id);
  if (info === undefined) return;
  const holdsShare = info.status === "Active" && table("members.encryption_public_keys").has(id);
  if (holdsShare) {
    const remaining = recoveryMemberCount() - 1;
    const threshold = serviceConfiguration().recovery_threshold;
    requireThat(
      remaining >= threshold,
      `without this member ${remaining} recovery members are left, fewer than the recovery threshold of ` +
        `${threshold}: lower the threshold or add recovery members before`
    );
  }
  for (const name of ["info", "encryption_public_keys", "certs", "acks"]) {
    table(`members.${name}`).delete(id);
  }
  table("history").delete(id);
  // The ledger from here on is not for this member's share.
  if (holdsShare) ccf.node.triggerLedgerRekey();
});

define("set_member_data", { member_id: checkEntityId, member_data: "object" }, (args) => {
  const id = bytes(args.member_id);
  const info = readJson("members.info", id);
  requireThat(info !== undefined, `there is no member ${args.member_id}`);
  writeJson("members.info", id, { ...info, member_data: args.member_data });
});

function setUserData(id, data) {
  if (data === undefined || data === null) table("users.info").delete(id);
  else writeJson("users.info", id, { user_data: data });
}

define("set_user", { cert: checkX509CertBundle, user_data: "object?" }, (args) => {
  const id = bytes(ccf.pemToId(args.cert));
  table("users.certs").set(id, bytes(args.cert));
  setUserData(id, args.user_data);
});

define("remove_user", { user_id: checkEntityId }, (args) => {
  table("users.certs").delete(bytes(args.user_id));
  table("users.info").delete(bytes(args.user_id));
});

define("set_user_data", { user_id: checkEntityId, user_data: "object?" }, (args) => {
  setUserData(bytes(args.user_id), args.user_data);
});

// ---- The service --------------------------------------------------------------------------------

const checkThreshold = (value, field) => {
  checkType(value, "integer", field);
  checkBounds(value, 1, 254, field);
};

const configurationShape = {
  reconfiguration_type: "string?",
  recovery_threshold: integerBetween(1, 254),
  recent_cose_proposals_window_size: integerBetween(1, 10000),
};

function changeReconfigurationType(configuration, wanted) {
  const present = configuration.reconfiguration_type ?? "OneTransaction";
  requireThat(
    present === "OneTransaction" && wanted === "TwoTransaction",
    `reconfiguration_type cannot go from ${present} to ${wanted}, only from OneTransaction to TwoTransaction`
  );
  configuration.reconfiguration_type = wanted;
}

function checkNewThreshold(threshold) {
  const { status } = serviceInfo();
  requireThat(
    status !== "WaitingForRecoveryShares",
    "the recovery threshold cannot change while recovery shares are being submitted"
  );
  if (status !== "Open") return;
  const holders = recoveryMemberCount();
  requireThat(
    threshold <= holders,
    `recovery_threshold must be at most ${holders}, the number of active recovery members, not ${threshold}`
  );
}

function updateServiceConfiguration(args) {
  const configuration = serviceConfiguration();
  if ((args.reconfiguration_type ?? undefined) !== undefined) {
    changeReconfigurationType(configuration, args.reconfiguration_type);
  }
  const threshold = args.recovery_threshold ?? configuration.recovery_threshold;
  const newShares = threshold !== configuration.recovery_threshold;
  if (newShares) checkNewThreshold(threshold);
  configuration.recovery_threshold = threshold;
  if (args.recent_cose_proposals_window_size !== undefined) {
    configuration.recent_cose_proposals_window_size = args.recent_cose_proposals_window_size;
  }
  writeJson("service.config", getSingletonKvKey(), configuration);
  if (newShares) ccf.node.triggerRecoverySharesRefresh();
}

define(
  "set_recovery_threshold",
  { ...configurationShape, recovery_threshold: checkThreshold },
  updateServiceConfiguration
);

define("set_service_configuration", configurationShape, updateServiceConfiguration, (args) => {
  const known = Object.keys(configurationShape);
  for (const field of Object.keys(args)) {
    requireThat(known.includes(field), `${field} cannot be set here, only ${known.join(", ")}`);
  }
});

defineWithoutArguments("trigger_recovery_shares_refresh", () => ccf.node.triggerRecoverySharesRefresh());
defineWithoutArguments("trigger_ledger_rekey", () => ccf.node.triggerLedgerRekey());
defineWithAnyArguments("trigger_ledger_chunk", () => ccf.node.triggerLedgerChunk());
defineWithAnyArguments("trigger_snapshot", () => ccf.node.triggerSnapshot());

define(
  "transition_service_to_open",
  {
    next_service_identity: checkX509CertBundle,
    previous_service_identity: unlessUndefined(checkX509CertBundle),
  },
  (args) => {
    const { previous_service_identity: previous, next_service_identity: next } = args;
    requireThat(
      serviceInfo().status !== "Recovering" || previous !== undefined,
      "previous_service_identity is missing: a recovered service opens only with the certificate it had before"
    );
    ccf.node.transitionServiceToOpen(previous === undefined ? undefined : bytes(previous), bytes(next));
  }
);

define(
  "assert_service_identity",
  { service_identity: checkX509CertBundle },
  () => {},
  (args) => {
    requireThat(
      args.service_identity === serviceInfo().cert,
      "service_identity is not the certificate of this service, character by character"
    );
  }
);

// ---- Certificates and nodes ---------------------------------------------------------------------

const validityShape = {
  valid_from: "string",
  validity_period_days: (value, field) => {
    checkType(value, "integer?", field);
    if (typeof value === "number") checkBounds(value, 1, null, field);
  },
};
const defaultMaximumDays = 365;

// `kind`: "node" or "service".
function daysOf(args, kind) {
  const name = `maximum_${kind}_certificate_validity_days`;
  const maximum = serviceConfiguration()[name] ?? defaultMaximumDays;
  const days = args.validity_period_days ?? maximum;
  requireThat(days <= maximum, `validity_period_days must be at most ${maximum} (${name}), not ${days}`);
  return days;
}

define("set_service_certificate_validity", validityShape, (args) => {
  const info = serviceInfo();
  const cert = ccf.network.generateNetworkCertificate(args.valid_from, daysOf(args, "service"));
  writeJson("service.info", getSingletonKvKey(), { ...info, cert });
});

function existingNode(nodeId) {
  const info = readJson("nodes.info", bytes(nodeId));
  requireThat(info !== undefined, `there is no node ${nodeId}`);
  return info;
}

function endorseNode(nodeId, request, args) {
  const cert = ccf.network.generateEndorsedCertificate(request, args.valid_from, daysOf(args, "node"));
  table("nodes.endorsed_certificates").set(bytes(nodeId), bytes(cert));
}

function renewNodeCertificate(nodeId, info, args) {
  requireThat(info.status === "Trusted", `node ${nodeId} is ${info.status}, not Trusted`);
  const request = info.certificate_signing_request;
  requireThat(request !== undefined, `node ${nodeId} has left no certificate signing request`);
  endorseNode(nodeId, request, args);
}

define("transition_node_to_trusted", { node_id: checkEntityId, ...validityShape }, (args) => {
  serviceConfiguration();
  const info = existingNode(args.node_id);
  if (info.status !== "Pending") return;
  const request = info.certificate_signing_request;
  writeJson("nodes.info", bytes(args.node_id), {
    ...info,
    status: "Trusted",
    ledger_secret_seqno: ccf.network.getLatestLedgerSecretSeqno(),
  });
  if (request !== undefined) endorseNode(args.node_id, request, args);
});

define("remove_node", { node_id: checkEntityId }, (args) => {
  const id = bytes(args.node_id);
  const info = readJson("nodes.info", id);
  if (info === undefined) return;
  if (info.status === "Pending") table("nodes.info").delete(id);
  else writeJson("nodes.info", id, { ...info, status: "Retired" });
});

define("set_node_data", { node_id: checkEntityId }, (args) => {
  writeJson("nodes.info", bytes(args.node_id), { ...existingNode(args.node_id), node_data: args.node_data });
});

define("set_node_certificate_validity", { node_id: checkEntityId, ...validityShape }, (args) => {
  renewNodeCertificate(args.node_id, existingNode(args.node_id), args);
});

define("set_all_nodes_certificate_validity", validityShape, (args) => {
  table("nodes.info").forEach((row, id) => {
    const info = ccf.bufToJsonCompatible(row);
    if (info.status === "Trusted") renewNodeCertificate(ccf.bufToStr(id), info, args);
  });
});

// ---- Which nodes may join -----------------------------------------------------------------------

const allowed = "AllowedToJoin";

function defineMeasurements(addName, removeName, field, tableName) {
  define(addName, { [field]: "string" }, (args, proposalId) => {
    writeJson(tableName, bytes(args[field]), allowed);
    invalidateOtherOpenProposals(proposalId);
  });
  define(removeName, { [field]: "string" }, (args) => table(tableName).delete(bytes(args[field])));
}

defineMeasurements("add_node_code", "remove_node_code", "code_id", "nodes.code_ids");
defineMeasurements("add_snp_measurement", "remove_snp_measurement", "measurement", "nodes.snp.measurements");

define("add_snp_uvm_endorsement", { did: "string", feed: "string", svn: "string" }, (args, proposalId) => {
  const key = bytes(args.did);
  const feeds = readJson("nodes.snp.uvm_endorsements", key) ?? {};
  writeJson("nodes.snp.uvm_endorsements", key, { ...feeds, [args.feed]: { svn: args.svn } });
  invalidateOtherOpenProposals(proposalId);
});

define("remove_snp_uvm_endorsement", { did: "string", feed: "string" }, (args) => {
  const key = bytes(args.did);
  const feeds = readJson("nodes.snp.uvm_endorsements", key);
  if (feeds === undefined) return;
  delete feeds[args.feed];
  if (Object.keys(feeds).length === 0) table("nodes.snp.uvm_endorsements").delete(key);
  else writeJson("nodes.snp.uvm_endorsements", key, feeds);
});

const hexOf = (buffer) =>
  [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");

define(
  "add_snp_host_data",
  { host_data: "string", security_policy: "string" },
  (args, proposalId) => {
    writeJson("nodes.snp.host_data", bytes(args.host_data), args.security_policy);
    invalidateOtherOpenProposals(proposalId);
  },
  ({ host_data, security_policy }) => {
    if (security_policy === "") return;
    const digest = hexOf(ccf.crypto.digest("SHA-256", bytes(security_policy)));
    requireThat(
      digest === host_data,
      `host_data must be the SHA-256 of security_policy, which is ${digest}, or security_policy empty`
    );
  }
);

define("remove_snp_host_data", { host_data: "string" }, (args) => {
  table("nodes.snp.host_data").delete(bytes(args.host_data));
});

const checkCpuid = (value, field) => checkHex(value, 4, field);

function setMinimumTcbVersion(cpuid, version, proposalId) {
  writeJson("nodes.snp.tcb_versions", bytes(cpuid), version);
  invalidateOtherOpenProposals(proposalId);
}

define(
  "set_snp_minimum_tcb_version",
  { cpuid: checkCpuid, tcb_version: "object" },
  (args, proposalId) => setMinimumTcbVersion(args.cpuid, args.tcb_version, proposalId),
  ({ tcb_version }) => {
    for (const part of ["boot_loader", "tee", "snp", "microcode"]) {
      checkType(tcb_version?.[part], "number", `tcb_version.${part}`);
    }
  }
);

define(
  "set_snp_minimum_tcb_version_hex",
  { cpuid: checkCpuid, tcb_version: (value, field) => checkHex(value, 8, field) },
  (args, proposalId) => {
    setMinimumTcbVersion(args.cpuid, ccf.tcbHexToPolicy(args.cpuid, args.tcb_version), proposalId);
  }
);

define("remove_snp_minimum_tcb_version", { cpuid: checkCpuid }, (args) => {
  const versions = table("nodes.snp.tcb_versions");
  requireThat(versions.has(bytes(args.cpuid)), `no TCB version is set for cpuid ${args.cpuid}`);
  versions.delete(bytes(args.cpuid));
});

// ---- The JavaScript application -----------------------------------------------------------------

function checkAuthnPolicies(policies, field) {
  checkType(policies, "array", field);
  policies.forEach((policy, i) => {
    if (typeof policy === "string") return;
    const all = policy?.all_of;
    requireThat(
      Array.isArray(all) && all.every((one) => typeof one === "string"),
      `${field}[${i}] must be the name of a policy, or {"all_of": [names]}`
    );
  });
}

function checkEndpoint(endpoint, field, moduleNames) {
  checkType(endpoint?.js_module, "string", `${field}.js_module`);
  requireThat(
    moduleNames.includes(endpoint.js_module),
    `${field}.js_module ${endpoint.js_module} is not in bundle.modules`
  );
  checkType(endpoint.js_function, "string", `${field}.js_function`);
  checkEnum(endpoint.mode, ["readwrite", "readonly", "historical"], `${field}.mode`);
  checkEnum(endpoint.forwarding_required, ["sometimes", "always", "never"], `${field}.forwarding_required`);
  const strategy = endpoint.redirection_strategy ?? "none";
  checkEnum(strategy, ["none", "to_primary", "to_backup"], `${field}.redirection_strategy`);
  checkAuthnPolicies(endpoint.authn_policies, `${field}.authn_policies`);
  checkType(endpoint.openapi, "object?", `${field}.openapi`);
  checkType(endpoint.openapi_hidden, "boolean?", `${field}.openapi_hidden`);
}

function checkObject(value, field) {
  checkType(value, "object", field);
  requireThat(value !== null && !Array.isArray(value), `${field} must be an object`);
}

function checkBundle(bundle, field) {
  checkObject(bundle, field);
  checkType(bundle.modules, "array", `${field}.modules`);
  bundle.modules.forEach((module, i) => {
    checkType(module?.name, "string", `${field}.modules[${i}].name`);
    checkType(module.module, "string", `${field}.modules[${i}].module`);
  });
  const names = bundle.modules.map((module) => module.name);
  checkObject(bundle.metadata, `${field}.metadata`);
  checkObject(bundle.metadata.endpoints, `${field}.metadata.endpoints`);
  for (const [url, methods] of Object.entries(bundle.metadata.endpoints)) {
    checkObject(methods, `endpoint ${url}`);
    for (const [method, endpoint] of Object.entries(methods)) {
      checkEndpoint(endpoint, `endpoint ${method} ${url}`, names);
    }
  }
}

function clearBytecode() {
  table("modules_quickjs_bytecode").clear();
  table("modules_quickjs_version").clear();
}

define("set_js_app", { bundle: checkBundle, disable_bytecode_cache: "boolean?" }, (args) => {
  table("modules").clear();
  table("endpoints").clear();
  for (const { name, module } of args.bundle.modules) table("modules").set(bytes(`/${name}`), bytes(module));
  if (args.disable_bytecode_cache) clearBytecode();
  else ccf.refreshAppBytecodeCache();
  writeJson("interpreter.flush", getSingletonKvKey(), true);
  for (const [url, methods] of Object.entries(args.bundle.metadata.endpoints)) {
    for (const [method, endpoint] of Object.entries(methods)) {
      writeJson("endpoints", bytes(`${method.toUpperCase()} ${url}`), {
        ...endpoint,
        js_module: `/${endpoint.js_module}`,
      });
    }
  }
});

defineWithAnyArguments("remove_js_app", () => {
  clearBytecode();
  for (const name of ["modules", "interpreter.flush", "endpoints"]) table(name).clear();
});

define(
  "set_js_runtime_options",
  {
    max_heap_bytes: "integer",
    max_stack_bytes: "integer",
    max_execution_time_ms: "integer",
    log_exception_details: "boolean?",
    return_exception_details: "boolean?",
    max_cached_interpreters: "integer?",
  },
  (args) => writeJson("js_runtime_options", getSingletonKvKey(), args)
);

defineWithAnyArguments("refresh_js_app_bytecode_cache", () => ccf.refreshAppBytecodeCache());

// ---- Certificates of others, and JSON web tokens --------------------------------------------------

define("set_ca_cert_bundle", { name: "string", cert_bundle: checkX509CertBundle }, (args) => {
  writeJson("tls.ca_cert_bundles", bytes(args.name), args.cert_bundle);
});

define("remove_ca_cert_bundle", { name: "string" }, (args) => {
  table("tls.ca_cert_bundles").delete(bytes(args.name));
});

const hasTexts = (object, names) => names.every((name) => typeof object[name] === "string");

function checkX5c(chain, field) {
  checkLength(chain, 1, null, field);
  chain.forEach((certificate, i) => {
    checkType(certificate, "string", `${field}[${i}]`);
    const lines = certificate.match(/.{1,64}/g) ?? [];
    const pem = ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
    requireThat(
      lines.length > 0 && ccf.crypto.isValidX509CertBundle(pem),
      `${field}[${i}] must be a certificate, DER in base64`
    );
  });
}

function checkJwks(jwks, field) {
  checkObject(jwks, field);
  checkType(jwks.keys, "array", `${field}.keys`);
  jwks.keys.forEach((key, i) => {
    const place = `${field}.keys[${i}]`;
    checkType(key?.kid, "string", `${place}.kid`);
    checkType(key.kty, "string", `${place}.kty`);
    if (Array.isArray(key.x5c)) checkX5c(key.x5c, `${place}.x5c`);
    else {
      requireThat(
        hasTexts(key, ["n", "e"]) || hasTexts(key, ["x", "y", "crv"]),
        `${place} must have x5c, or n and e, or x, y and crv`
      );
    }
  });
}

function checkRefreshedIssuer({ issuer, auto_refresh, ca_cert_bundle_name }) {
  if (!auto_refresh) return;
  requireThat(
    typeof ca_cert_bundle_name === "string" && ca_cert_bundle_name !== "",
    "ca_cert_bundle_name is needed with auto_refresh: the issuer's server is checked against those certificates"
  );
  requireThat(
    /^https:\/\/[^/?#\s]+(\/[^?#\s]*)?$/.test(issuer),
    `issuer must be an https:// address without query and fragment to be refreshed, not ${issuer}`
  );
}

define(
  "set_jwt_issuer",
  {
    issuer: "string",
    auto_refresh: "boolean?",
    ca_cert_bundle_name: "string?",
    jwks: (value, field) => {
      if (value !== undefined && value !== null) checkJwks(value, field);
    },
  },
  ({ jwks, ...stored }) => {
    requireThat(
      !stored.auto_refresh || table("tls.ca_cert_bundles").has(bytes(stored.ca_cert_bundle_name)),
      `there is no CA certificate bundle ${stored.ca_cert_bundle_name}: set_ca_cert_bundle before`
    );
    if (jwks) ccf.setJwtPublicSigningKeys(stored.issuer, stored, jwks);
    writeJson("jwt.issuers", bytes(stored.issuer), stored);
  },
  checkRefreshedIssuer
);

define("set_jwt_public_signing_keys", { issuer: "string", jwks: checkJwks }, (args) => {
  const metadata = readJson("jwt.issuers", bytes(args.issuer));
  requireThat(metadata !== undefined, `there is no JWT issuer ${args.issuer}: set_jwt_issuer before`);
  ccf.setJwtPublicSigningKeys(args.issuer, metadata, args.jwks);
});

define("remove_jwt_issuer", { issuer: "string" }, (args) => {
  const issuer = bytes(args.issuer);
  if (!table("jwt.issuers").has(issuer)) return;
  table("jwt.issuers").delete(issuer);
  ccf.removeJwtPublicSigningKeys(args.issuer);
});

define("cleanup_legacy_jwt_records", { ensure_new_records_exist: "boolean?" }, (args) => {
  requireThat(
    !args.ensure_new_records_exist || table("jwt.public_signing_keys_metadata_v2").size > 0,
    "there are no keys in the present format yet: set the issuers' keys before"
  );
  for (const name of ["keys", "keys_metadata", "key_issuer"]) table(`jwt.public_signing_${name}`).clear();
});

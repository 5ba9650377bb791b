#include "gov/scripts.h"

#include <algorithm>
#include <mutex>

#include "base/log.h"
#include "gov/constitution.h"
#include "gov/isolate_pool.h"
#include "gov/natives.h"
#include "gov/tables.h"
#include "js/ccf.h"
#include "js/ccf_kv.h"
#include "js/console.h"
#include "kv/unbound_reads.h"

namespace entente::gov {
namespace {

/// Isolates that wait for work: more threads than this make their own, and give them up again.
constexpr size_t kept_isolates = 8;
/// What applications are allowed beyond this is not for governance: members must be able to decide.
constexpr uint64_t longest_execution = 30'000;  // milliseconds
constexpr size_t largest_heap = 1u << 30;       // bytes
constexpr std::chrono::milliseconds least_share{100};

/// What ccf.gov.validateConstitution works with.
struct ConstitutionChecks {
  IsolatePool& bare;
  js::Limits limits;
};

JSValue validate_constitution_native(JSContext* context, JSValueConst, int count,
                                     JSValueConst* arguments) {
  if (js::wrong_count(context, count, 1)) return JS_EXCEPTION;
  const auto text = js::text_argument(context, arguments[0]);
  if (!text) return JS_EXCEPTION;
  auto* checks = js::attached<ConstitutionChecks>(context);
  if (checks == nullptr) return js::throw_internal_error(context, "no constitution to check here");
  IsolatePool::Loan isolate(checks->bare);
  const auto valid = validate_constitution(*isolate, checks->limits, *text);
  if (!valid) return js::throw_type_error(context, valid.error().message);
  return JS_TRUE;
}

void install_ccf_gov(JSContext* context) {
  static constexpr js::Native natives[] = {
      {"validateConstitution", js::guarded<validate_constitution_native>, 1}};
  js::add_to_ccf(context, "gov", natives);
}

js::IsolateOptions bare_options(const Surroundings& surroundings) {
  js::IsolateOptions options;
  options.random = &surroundings.random;
  options.clock = &surroundings.clock;
  options.date_now = [&clock = surroundings.clock] {
    return std::chrono::duration_cast<std::chrono::milliseconds>(clock.unix_time()).count();
  };
  return options;
}

js::IsolateOptions full_options(const Surroundings& surroundings) {
  js::IsolateOptions options = bare_options(surroundings);
  options.bindings = js::ccf_bindings();
  options.bindings.push_back(js::install_console);
  options.bindings.push_back(install_ccf_gov);
  return options;
}

/// What the runtime options say, but never less than the defaults. Members decide with these
/// limits, also about the options: one that is no number is passed over.
js::Limits limits_in_force(kv::ReadOnlyTx& tx) {
  js::Limits limits;
  const auto row = tx.ro(tables::js_runtime_options).get(tables::unit());
  if (!row) return limits;
  const auto document = json::parse(as_text(*row));
  const json::object* options = document ? document->if_object() : nullptr;
  const auto option = [&](std::string_view name, uint64_t least) -> uint64_t {
    const json::value* value = options == nullptr ? nullptr : options->if_contains(name);
    if (value == nullptr || !value->is_int64() || value->get_int64() < 0) return least;
    return std::max(least, static_cast<uint64_t>(value->get_int64()));
  };
  limits.heap_bytes = std::min<uint64_t>(option("max_heap_bytes", limits.heap_bytes), largest_heap);
  limits.stack_bytes = option("max_stack_bytes", limits.stack_bytes);
  const auto milliseconds =
      option("max_execution_time_ms", static_cast<uint64_t>(limits.execution_time.count()));
  limits.execution_time = std::chrono::milliseconds(std::min(milliseconds, longest_execution));
  return limits;
}

ScriptError script_error(const js::Failure& failure) {
  using Kind = ScriptError::Kind;
  const Kind kind = failure.kind == js::FailureKind::aborted  ? Kind::aborted
                    : failure.kind == js::FailureKind::module ? Kind::unusable
                                                              : Kind::threw;
  return {kind, {failure.text, failure.trace}};
}

/// One call of one function of one module, in a fresh interpreter, within one budget of time.
class ScriptCall {
 public:
  ScriptCall(const Clock& clock, IsolatePool& pool, IsolatePool& bare,
             const Constitution& constitution, const js::Limits& limits,
             js::KvTransaction transaction)
      : clock_(clock),
        limits_(limits),
        started_(clock.now()),
        constitution_(constitution),
        loan_(pool, constitution, limits),
        checks_{bare, limits},
        transaction_(transaction),
        use_(*loan_, limits) {
    static js::Console console = js::console_to_log("gov");
    use_.attach(console);
    use_.attach(transaction_);
    use_.attach(checks_);
  }

  js::Use& use() { return use_; }

  /// A function of the constitution. `finish` turns what it returned into an Outcome.
  template <typename T, typename Finish>
  ScriptResult<T> run(std::string_view function, std::initializer_list<js::Argument> arguments,
                      Finish finish) {
    if (loan_.module() != nullptr) return run<T>(*loan_.module(), function, arguments, finish);
    return run<T>(constitution_.load(use_), function, arguments, finish);  // says why not
  }

  template <typename T, typename Finish>
  ScriptResult<T> run(const js::Outcome<js::Module>& module, std::string_view function,
                      std::initializer_list<js::Argument> arguments, Finish finish) {
    if (!module) return script_error(module.failure());
    return run<T>(*module, function, arguments, finish);
  }

 private:
  template <typename T, typename Finish>
  ScriptResult<T> run(const js::Module& module, std::string_view function,
                      std::initializer_list<js::Argument> arguments, Finish finish) {
    spend();
    const auto evaluated = use_.evaluate(module);
    if (!evaluated) return script_error(evaluated.failure());
    // Functions declared by the module can be called all the same, and may do without the rest.
    if (evaluated->thrown) {
      log::fail("gov", "Top level of {} threw: {}", module.name(), evaluated->thrown->text);
    }
    const auto exported = use_.exported_function(module, function);
    if (!exported) return script_error(exported.failure());
    spend();
    const auto returned = use_.call(*exported, arguments);
    if (!returned) return script_error(returned.failure());
    spend();
    auto result = finish(*returned);
    if (!result) return script_error(result.failure());
    return std::move(*result);
  }

  /// The next entry has what the ones before have left.
  void spend() {
    using std::chrono::milliseconds;
    const auto used = std::chrono::duration_cast<milliseconds>(clock_.now() - started_);
    js::Limits left = limits_;
    left.execution_time = std::max(milliseconds(1), limits_.execution_time - used);
    use_.set_limits(left);
  }

  const Clock& clock_;
  const js::Limits limits_;
  const MonotonicTime started_;
  const Constitution& constitution_;
  IsolatePool::Loan loan_;
  ConstitutionChecks checks_;
  js::KvTransaction transaction_;
  js::Use use_;
};

js::Outcome<Validation> read_validation(js::Use& use, const js::Value& returned) {
  if (!returned.is_object()) {
    return js::Failure{js::FailureKind::module, "Validation failed to return an object"};
  }
  const auto valid = use.member(returned, "valid");
  if (!valid) return valid.failure();
  const auto description = use.member(returned, "description");
  if (!description) return description.failure();
  Validation validation{use.truthy(*valid), {}};
  if (description->is_text()) {
    auto text = use.text(*description);
    if (!text) return text.failure();
    validation.description = std::move(*text);
  }
  return validation;
}

std::string ballot_module(std::string_view proposal_id, std::string_view member) {
  return "public:ccf.gov.proposals_info[" + std::string(proposal_id) + "].ballots[m[" +
         std::string(member) + "]]";
}

std::string votes_json(const std::vector<Vote>& votes) {
  json::array list;
  for (const Vote& vote : votes) {
    list.push_back(json::object{{"member_id", vote.member}, {"vote", vote.yes}});
  }
  return json::dump(list);
}

}  // namespace

struct Scripts::Content {
  explicit Content(const Surroundings& given)
      : surroundings(given),
        full(full_options(given), kept_isolates),
        bare(bare_options(given), kept_isolates) {}

  ScriptCall read_only_call(kv::ReadOnlyTx& tx, const Constitution& constitution,
                            const js::Limits& limits) {
    return {surroundings.clock, full,   bare,
            constitution,       limits, js::KvTransaction(tx, kv::Context::read_only_governance)};
  }

  const Surroundings& surroundings;
  IsolatePool full;  ///< with all that scripts of governance find
  IsolatePool bare;  ///< with nothing but the language
  std::mutex mutex;
  ConstitutionPtr latest;  ///< guarded by the mutex
};

Scripts::Scripts(const Surroundings& surroundings)
    : content_(std::make_unique<Content>(surroundings)) {}
Scripts::~Scripts() = default;

ConstitutionPtr Scripts::constitution(kv::ReadOnlyTx& tx) {
  const auto stored = tx.ro(tables::constitution).get(tables::unit());
  if (!stored) return nullptr;
  {
    const std::lock_guard lock(content_->mutex);
    if (content_->latest && equal(content_->latest->stored(), *stored)) return content_->latest;
  }
  auto parsed = Constitution::parse(*stored);
  if (!parsed) tables::refuse(tables::constitution, tables::unit(), parsed.error().message);
  const std::lock_guard lock(content_->mutex);
  content_->latest = *parsed;
  return std::move(*parsed);
}

ScriptResult<Validation> Scripts::validate(kv::ReadOnlyTx& tx, const ScriptSubject& subject) {
  ScriptCall call = content_->read_only_call(tx, subject.constitution, limits_in_force(tx));
  return call.run<Validation>("validate", {subject.proposal}, [&](const js::Value& returned) {
    return read_validation(call.use(), returned);
  });
}

ScriptResult<bool> Scripts::vote(kv::ReadOnlyTx& tx, const ScriptSubject& subject,
                                 const std::string& member, const std::string& ballot, bool newest,
                                 size_t others) {
  js::Limits limits = limits_in_force(tx);
  std::optional<kv::UnboundReads> unbound;
  if (!newest) {
    unbound.emplace(tx);
    const auto share = limits.execution_time / static_cast<int64_t>(std::max<size_t>(1, others));
    limits.execution_time = std::max(least_share, share);
  }
  ScriptCall call = content_->read_only_call(tx, subject.constitution, limits);
  return call.run<bool>(
      call.use().compile(ballot_module(subject.proposal_id, member), ballot), "vote",
      {subject.proposal, subject.proposer},
      [&](const js::Value& returned) { return js::Outcome<bool>(call.use().truthy(returned)); });
}

ScriptResult<std::string> Scripts::resolve(kv::ReadOnlyTx& tx, const ScriptSubject& subject,
                                           const std::vector<Vote>& votes) {
  ScriptCall call = content_->read_only_call(tx, subject.constitution, limits_in_force(tx));
  const std::string list = votes_json(votes);
  return call.run<std::string>(
      "resolve", {subject.proposal, subject.proposer, js::Json{list}, subject.proposal_id},
      [&](const js::Value& returned) { return call.use().text(returned); });
}

ScriptResult<std::monostate> Scripts::apply(kv::Tx& tx, Requests& requests,
                                            const ScriptSubject& subject) {
  ScriptCall call(content_->surroundings.clock, content_->full, content_->bare,
                  subject.constitution, limits_in_force(tx),
                  js::KvTransaction(tx, kv::Context::governance));
  NativeEffects effects{tx, content_->surroundings, requests};
  if (const auto added = add_native_effects(call.use(), effects); !added) {
    return script_error(added.failure());
  }
  return call.run<std::monostate>(
      "apply", {subject.proposal, subject.proposal_id},
      [](const js::Value&) { return js::Outcome<std::monostate>(std::monostate()); });
}

Result<void> Scripts::check_successor(kv::ReadOnlyTx& tx, const Constitution& before) {
  const auto stored = tx.ro(tables::constitution).get(tables::unit());
  if (stored && equal(*stored, before.stored())) return {};
  if (!stored) return Error{"the proposal removes the constitution"};
  const auto parsed = Constitution::parse(*stored);
  if (!parsed) return parsed.error().at(std::string(tables::constitution));
  IsolatePool::Loan isolate(content_->bare);
  return validate_constitution(*isolate, limits_in_force(tx), (*parsed)->text());
}

}  // namespace entente::gov

#include "js/escape.h"

#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/assert.h"
#include "js/engine/surroundings.h"
#include "js/native.h"

namespace entente::js {

namespace {

// How long after the limit the engine is left by force, and how soon that is tried again when a
// native runs just then.
constexpr int64_t grace_nanoseconds = 50'000'000;
constexpr int64_t retry_nanoseconds = 2'000'000;
constexpr size_t stack_margin = 256u << 10;  // for natives below the deepest script, and signals
constexpr int64_t never = INT64_MAX;

// What the signal handler of this thread reads. Plain types: no initialisation at first use.
__thread Host* volatile running = nullptr;
__thread volatile int64_t armed_for = never;  // when the timer will go off
__thread timer_t timer;
__thread bool has_timer = false;
__thread uintptr_t stack_low = 0;

int signal_number() {
  return SIGRTMIN + 7;
}

int64_t machine_now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

void arm(int64_t when) {
  itimerspec setting{};
  if (when != never) {
    setting.it_value.tv_sec = when / 1'000'000'000;
    setting.it_value.tv_nsec = when % 1'000'000'000;
  }
  armed_for = when;
  timer_settime(timer, TIMER_ABSTIME, &setting, nullptr);
}

void on_timer(int) {
  const int error = errno;
  Host* host = running;
  if (host == nullptr) {
    armed_for = never;
  } else if (const int64_t now = machine_now(); now < host->hard_deadline) {
    arm(host->hard_deadline);  // of a later entry than the one that set the timer
  } else if (host->native_depth > 0 || host->escape == nullptr) {
    arm(now + retry_nanoseconds);
  } else {
    armed_for = never;
    errno = error;
    escape(*host, Over::time);
  }
  errno = error;
}

struct ThreadTimer {
  ThreadTimer() {
    static const bool installed = [] {
      struct sigaction action {};
      action.sa_handler = on_timer;
      // The handler may leave by a jump that restores no mask, so the signal is never blocked.
      action.sa_flags = SA_RESTART | SA_NODEFER;
      return sigaction(signal_number(), &action, nullptr) == 0;
    }();
    ENTENTE_ASSERT(installed);
    sigevent event{};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = signal_number();
#ifdef sigev_notify_thread_id
    event.sigev_notify_thread_id = static_cast<pid_t>(syscall(SYS_gettid));
#else
    event._sigev_un._tid = static_cast<pid_t>(syscall(SYS_gettid));
#endif
    ENTENTE_ASSERT(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    has_timer = true;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal_number());
    pthread_sigmask(SIG_UNBLOCK, &set, nullptr);

    pthread_attr_t attributes;
    ENTENTE_ASSERT(pthread_getattr_np(pthread_self(), &attributes) == 0);
    void* low = nullptr;
    size_t size = 0;
    ENTENTE_ASSERT(pthread_attr_getstack(&attributes, &low, &size) == 0);
    pthread_attr_destroy(&attributes);
    stack_low = reinterpret_cast<uintptr_t>(low);
  }
  ~ThreadTimer() {
    has_timer = false;
    timer_delete(timer);
  }
};

void prepare_thread() {
  thread_local ThreadTimer prepared;
  ENTENTE_ASSERT(has_timer);
}

/// Stack that scripts may use from here on.
size_t stack_limit(const Limits& limits) {
  const auto here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
  const size_t left = here - stack_low;
  const size_t available = left > 2 * stack_margin ? left - stack_margin : left / 2;
  return std::max<size_t>(1, std::min(limits.stack_bytes, available));
}

void gave_up(void* opaque, const char*) {
  Host& host = *static_cast<Host*>(opaque);
  if (host.escape != nullptr) escape(host, Over::engine);
}

int64_t date_now(void* opaque) {
  Host& host = *static_cast<Host*>(opaque);
  host.native_depth = host.native_depth + 1;
  const int64_t milliseconds = host.options.date_now();
  host.native_depth = host.native_depth - 1;
  return milliseconds * 1000;
}

void surround(Host* host) {
  entente_engine_now = host != nullptr && host->options.date_now ? date_now : nullptr;
  entente_engine_now_opaque = host;
  entente_engine_gave_up = host != nullptr ? gave_up : nullptr;
  entente_engine_gave_up_opaque = host;
}

/// Runs the body with a place to escape to. True if it returned.
bool run(Host& host, void (*body)(void*), void* argument) {
  sigjmp_buf place;
  sigjmp_buf* const outer = host.escape;
  const int outer_depth = host.native_depth;
  volatile bool returned = false;
  if (sigsetjmp(place, 0) == 0) {
    host.native_depth = 0;
    host.escape = &place;
    body(argument);
    returned = true;
  }
  host.native_depth = outer_depth + 1;  // nothing jumps before the old place is back
  host.escape = outer;
  host.native_depth = outer_depth;
  return returned;
}

}  // namespace

void enter(Host& host, void (*body)(void*), void* argument, bool new_budget) {
  if (host.over != Over::no) return;
  prepare_thread();
  host.dirty = true;
  if (new_budget) {
    host.deadline = host.options.clock->now() + host.limits.execution_time;
    host.hard_deadline = machine_now() +
                         std::chrono::nanoseconds(host.limits.execution_time).count() +
                         grace_nanoseconds;
  }
  JS_SetMaxStackSize(host.runtime, stack_limit(host.limits));
  JS_UpdateStackTop(host.runtime);
  surround(&host);
  Host* const outer = running;  // a native of another isolate uses this one
  running = &host;
  if (armed_for > host.hard_deadline) arm(host.hard_deadline);
  if (!run(host, body, argument)) host.broken = true;
  running = outer;
  surround(outer);
  if (outer != nullptr && armed_for > outer->hard_deadline) arm(outer->hard_deadline);
}

void enter_again(Host& host, void (*body)(void*), void* argument) {
  if (host.over == Over::no && !run(host, body, argument)) host.broken = true;
  if (host.over != Over::no) throw CallOver{};
}

void escape(Host& host, Over why) {
  host.over = why;
  siglongjmp(*host.escape, 1);
}

bool out_of_time(Host& host) {
  host.native_depth = host.native_depth + 1;  // a clock may hold a lock
  const bool out = host.options.clock->now() >= host.deadline;
  host.native_depth = host.native_depth - 1;
  return out;
}

}  // namespace entente::js

#pragma once
// The signals that end a sandbox. They are blocked in the whole process and waited for.

#include <chrono>
#include <csignal>

namespace entente::cli {

inline sigset_t ending_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, signal);
  return signals;
}

/// Waits for at most `patience`; true if one of the signals came.
inline bool signalled(const sigset_t& signals, std::chrono::milliseconds patience) {
  const timespec wait{patience.count() / 1000, (patience.count() % 1000) * 1'000'000};
  return sigtimedwait(&signals, nullptr, &wait) > 0;
}

}  // namespace entente::cli

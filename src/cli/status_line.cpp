#include "cli/status_line.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>

namespace entente::cli {
namespace {

constexpr const char* erase_line = "\r\033[K";  // ECMA-48: carriage return, erase in line

/// What fits into one line of the terminal, if it says how wide it is.
std::string fitting(const std::string& text) {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 2) return text;
  return text.substr(0, size.ws_col - 1u);
}

}  // namespace

StatusLine StatusLine::on_standard_error() {
  return StatusLine(::isatty(STDERR_FILENO) == 1);
}

void StatusLine::show(const Status& status) {
  const bool changed = status.gist != last_.gist;
  last_ = status;
  if (terminal_) {
    fmt::print(stderr, "{}{}", erase_line, fitting(status.text));
    std::fflush(stderr);
    shown_ = true;
  } else if (changed) {
    fmt::print(stderr, "{}\n", status.text);
  }
}

void StatusLine::clear() {
  if (!shown_) return;
  fmt::print(stderr, "{}", erase_line);
  std::fflush(stderr);
  shown_ = false;
}

void StatusLine::say(const std::string& message) {
  const bool again = shown_;
  clear();
  fmt::print(stderr, "{}\n", message);
  if (again) show(last_);
}

}  // namespace entente::cli

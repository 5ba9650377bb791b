#pragma once
// One line on standard error that always says how things are now: on a terminal it is written over
// again and again, elsewhere a line is written when something changed that matters. Not
// thread-safe.

#include <string>

namespace entente::cli {

struct Status {
  std::string text;
  std::string gist;  ///< the part whose change is worth a line of its own
};

class StatusLine {
 public:
  explicit StatusLine(bool terminal) : terminal_(terminal) {}
  /// Asks whether standard error is a terminal.
  static StatusLine on_standard_error();

  void show(const Status& status);
  /// A message that stays, above the status.
  void say(const std::string& message);
  /// The status goes, so that others may write.
  void clear();

 private:
  bool terminal_;
  bool shown_ = false;
  Status last_;
};

}  // namespace entente::cli

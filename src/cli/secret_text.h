#pragma once
// Private keys and secrets that pass through the command line as text.

#include <string>
#include <vector>

#include "crypto/secret.h"

namespace entente::cli {

inline void wipe_text(std::string& text) {
  crypto::wipe({reinterpret_cast<uint8_t*>(text.data()), text.size()});
}

/// Wipes a text at the end of a scope.
class WipeTextAtExit {
 public:
  explicit WipeTextAtExit(std::string& text) : text_(text) {}
  ~WipeTextAtExit() { wipe_text(text_); }
  WipeTextAtExit(const WipeTextAtExit&) = delete;
  WipeTextAtExit& operator=(const WipeTextAtExit&) = delete;

 private:
  std::string& text_;
};

/// The same for all texts of a list that has grown by then.
class WipeTextsAtExit {
 public:
  explicit WipeTextsAtExit(std::vector<std::string>& texts) : texts_(texts) {}
  ~WipeTextsAtExit() {
    for (std::string& text : texts_) wipe_text(text);
  }
  WipeTextsAtExit(const WipeTextsAtExit&) = delete;
  WipeTextsAtExit& operator=(const WipeTextsAtExit&) = delete;

 private:
  std::vector<std::string>& texts_;
};

}  // namespace entente::cli

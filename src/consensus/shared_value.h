#pragma once
// An optional immutable value that its copies share. Log entries travel by copy through queues and
// messages, while only one in thousands carries a configuration.

#include <memory>
#include <utility>

namespace entente::consensus {

template <typename T>
class SharedValue {
 public:
  SharedValue() = default;
  SharedValue(T value) : content_(std::make_shared<const T>(std::move(value))) {}

  explicit operator bool() const { return content_ != nullptr; }
  /// Only when there is one.
  const T& operator*() const { return *content_; }
  const T* operator->() const { return content_.get(); }

  bool operator==(const SharedValue& other) const {
    if (content_ == other.content_) return true;
    return content_ && other.content_ && *content_ == *other.content_;
  }

 private:
  std::shared_ptr<const T> content_;
};

}  // namespace entente::consensus

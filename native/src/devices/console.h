// What the guest printed on COM1: the last few kilobytes, for error messages.
#pragma once

#include <cstdint>
#include <string>

namespace zb {

class ConsoleTail {
 public:
  static constexpr size_t kBytes = 4096;

  void Append(uint8_t byte) {
    if (text_.size() >= 2 * kBytes) text_.erase(0, text_.size() - kBytes);
    text_.push_back(static_cast<char>(byte));
  }
  // At most kBytes, oldest first. Guest output: hostile text.
  std::string Text() const { return text_.size() > kBytes ? text_.substr(text_.size() - kBytes) : text_; }
  bool Contains(const char* text) const { return text_.find(text) != std::string::npos; }

 private:
  std::string text_;
};

}  // namespace zb

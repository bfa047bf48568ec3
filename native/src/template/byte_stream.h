// Writing and reading the small sections of a snapshot. Reading never trusts a length.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "kvm/error.h"

namespace zb {

class ByteWriter {
 public:
  template <typename T>
  void Pod(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    Bytes({reinterpret_cast<const uint8_t*>(&value), sizeof(T)});
  }
  void Bytes(std::span<const uint8_t> bytes) { data_.insert(data_.end(), bytes.begin(), bytes.end()); }
  void String(const std::string& text) { Array(std::span<const char>(text)); }
  template <typename T>
  void Array(std::span<const T> values) {
    static_assert(std::is_trivially_copyable_v<T>);
    Pod(static_cast<uint64_t>(values.size()));
    Bytes({reinterpret_cast<const uint8_t*>(values.data()), values.size_bytes()});
  }
  const std::vector<uint8_t>& data() const { return data_; }

 private:
  std::vector<uint8_t> data_;
};

class ByteReader {
 public:
  explicit ByteReader(std::span<const uint8_t> data) : data_(data) {}

  template <typename T>
  T Pod() {
    static_assert(std::is_trivially_copyable_v<T>);
    T value;
    std::memcpy(&value, Take(sizeof(T)).data(), sizeof(T));
    return value;
  }
  template <typename T>
  std::vector<T> Array() {
    static_assert(std::is_trivially_copyable_v<T>);
    const auto count = Pod<uint64_t>();
    if (count > data_.size() / sizeof(T)) Corrupt();
    std::vector<T> values(count);
    const auto bytes = Take(count * sizeof(T));
    if (count > 0) std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }
  std::string String() {
    const std::vector<char> text = Array<char>();
    return {text.begin(), text.end()};
  }
  void ExpectEnd() const {
    if (!data_.empty()) Corrupt();
  }

 private:
  [[noreturn]] static void Corrupt() {
    throw EngineError(ErrorCode::kTemplateCorrupt, "a section of the snapshot is shorter or longer than its content");
  }
  std::span<const uint8_t> Take(size_t bytes) {
    if (bytes > data_.size()) Corrupt();
    const auto taken = data_.first(bytes);
    data_ = data_.subspan(bytes);
    return taken;
  }
  std::span<const uint8_t> data_;
};

}  // namespace zb

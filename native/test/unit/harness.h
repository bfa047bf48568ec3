// The unit tests' harness: a list of named functions, and checks that print what they saw.
//
//   TEST(uart_reads_back_scratch) { EXPECT_EQ(uart.Read(7), 0x5a); }
//
// A failed check marks its test as failed and goes on. `unit-tests WORD` runs the tests whose names contain WORD.
#pragma once

#include <functional>
#include <optional>
#include <sstream>
#include <string>
#include <type_traits>
#include <utility>

#include "kvm/error.h"

namespace zb::test {

// Adds a test to the list, before main().
struct Registration {
  Registration(const char* name, void (*body)());
};

// Marks the running test as failed and says why.
void Fail(const char* file, int line, const std::string& what);

template <typename T>
std::string Print(const T& value) {
  std::ostringstream text;
  if constexpr (std::is_same_v<T, bool>) {
    text << (value ? "true" : "false");
  } else if constexpr (std::is_enum_v<T>) {
    text << static_cast<long long>(value);
  } else if constexpr (std::is_integral_v<T>) {
    text << +value << " (0x" << std::hex << static_cast<std::make_unsigned_t<T>>(value) + 0u << ")";
  } else {
    text << '"' << value << '"';
  }
  return text.str();
}
template <typename T>
std::string Print(const std::optional<T>& value) {
  return value ? Print(*value) : "nothing";
}

template <typename A, typename B>
bool Same(const A& a, const B& b) {
  // Without surprises between signed and unsigned.
  if constexpr (std::is_integral_v<A> && std::is_integral_v<B> && !std::is_same_v<A, bool> &&
                !std::is_same_v<B, bool>) {
    return std::cmp_equal(+a, +b);  // + because char is no number to it
  } else {
    return a == b;
  }
}

template <typename A, typename B>
void ExpectEqual(const char* file, int line, const char* expression, const A& got, const B& wanted) {
  if (!Same(got, wanted)) {
    Fail(file, line, std::string(expression) + " is " + Print(got) + ", expected " + Print(wanted));
  }
}

// Runs `body`, which must throw an EngineError of this code. Returns its message.
std::string ExpectError(const char* file, int line, ErrorCode code, const std::function<void()>& body);

}  // namespace zb::test

#define TEST(name)                                                            \
  static void Test_##name();                                                  \
  static const ::zb::test::Registration register_##name(#name, &Test_##name); \
  static void Test_##name()

#define EXPECT(condition) ((condition) ? void() : ::zb::test::Fail(__FILE__, __LINE__, "not true: " #condition))
#define EXPECT_EQ(got, wanted) ::zb::test::ExpectEqual(__FILE__, __LINE__, #got, (got), (wanted))
#define EXPECT_ERROR(code, ...) ::zb::test::ExpectError(__FILE__, __LINE__, (code), [&] { __VA_ARGS__; })

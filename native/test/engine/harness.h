// The tests' frame: a registry, checks that say what they saw, and what every test needs to fork.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "template/boot.h"
#include "template/template.h"

namespace zb::test {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

inline double MillisecondsSince(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

// What the tests run on.
struct Context {
  std::shared_ptr<const Template> source;
  BootOptions options;
  double made_ms = 0;   // how long the template took to boot or load
  bool booted = false;  // and which of both it was
  // Instructions are interpreted (QEMU without hardware under it): a duration has a floor but hardly a ceiling.
  bool emulated = false;

  // An upper bound for a duration: what the product promises with ten times the room, for other users of this
  // machine and for children of a guest whose kernel is emulated, or what an emulated machine is given.
  double AtMost(double ms, double emulated_ms) const { return emulated ? emulated_ms : ms; }
};

// A test returns what it measured, as one line; it throws to fail.
using Body = std::function<std::string(Context&)>;
struct Test {
  const char* name;
  Body body;
};
std::vector<Test>& AllTests();

struct Registration {
  Registration(const char* name, Body body) { AllTests().push_back({name, std::move(body)}); }
};

class Failure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Pieces of text and numbers, one after another.
template <typename... Parts>
std::string Text(const Parts&... parts) {
  std::ostringstream text;
  text.setf(std::ios::fixed);
  text.precision(1);
  (text << ... << parts);
  return text.str();
}

template <typename... Parts>
void Check(bool holds, const Parts&... parts) {
  if (!holds) throw Failure(Text(parts...));
}

// `what` is `expected`, or the failure shows both.
template <typename Actual, typename Expected>
void CheckEqual(const Actual& actual, const Expected& expected, const std::string& what) {
  if (!(actual == expected)) throw Failure(Text(what, " is ", actual, ", not ", expected));
}

// Polls until `holds`; for facts nobody announces.
void WaitFor(const std::string& what, milliseconds timeout, const std::function<bool()>& holds);

// The median, for the line a test prints.
double Median(std::vector<double> values);

}  // namespace zb::test

#define ENGINE_TEST(name)                                                      \
  static std::string Test_##name(zb::test::Context& context);                  \
  static const zb::test::Registration registration_##name(#name, Test_##name); \
  static std::string Test_##name([[maybe_unused]] zb::test::Context& context)

#include "engine/harness.h"

#include <algorithm>
#include <thread>

namespace zb::test {

std::vector<Test>& AllTests() {
  static std::vector<Test> tests;
  return tests;
}

void WaitFor(const std::string& what, milliseconds timeout, const std::function<bool()>& holds) {
  const auto deadline = Clock::now() + timeout;
  while (!holds()) {
    if (Clock::now() > deadline) throw Failure("waited in vain for " + what);
    std::this_thread::sleep_for(milliseconds(1));
  }
}

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace zb::test

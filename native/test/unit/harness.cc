#include "harness.h"

#include <cstdio>
#include <cstring>
#include <exception>
#include <vector>

namespace zb::test {
namespace {

struct Case {
  const char* name;
  void (*body)();
};

std::vector<Case>& Cases() {
  static std::vector<Case> cases;
  return cases;
}

bool current_failed = false;
const char* current_name = "";

bool Passes(const Case& test) {
  current_failed = false;
  current_name = test.name;
  try {
    test.body();
  } catch (const std::exception& error) {
    Fail(test.name, 0, std::string("threw: ") + error.what());
  }
  return !current_failed;
}

}  // namespace

Registration::Registration(const char* name, void (*body)()) { Cases().push_back({name, body}); }

void Fail(const char* file, int line, const std::string& what) {
  current_failed = true;
  std::fprintf(stderr, "FAILED %s\n  %s:%d: %s\n", current_name, file, line, what.c_str());
}

std::string ExpectError(const char* file, int line, ErrorCode code, const std::function<void()>& body) {
  try {
    body();
  } catch (const EngineError& error) {
    ExpectEqual(file, line, "the error's code", std::string(ErrorCodeName(error.code())),
                std::string(ErrorCodeName(code)));
    return error.what();
  }
  Fail(file, line, std::string("no error, expected ") + ErrorCodeName(code));
  return "";
}

}  // namespace zb::test

int main(int argc, char** argv) {
  const char* wanted = argc > 1 ? argv[1] : "";
  int passed = 0;
  int failed = 0;
  for (const auto& test : zb::test::Cases()) {
    if (std::strstr(test.name, wanted) == nullptr) continue;
    (zb::test::Passes(test) ? passed : failed)++;
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  // A word that names no test is a mistake, not a success.
  return failed == 0 && passed > 0 ? 0 : 1;
}

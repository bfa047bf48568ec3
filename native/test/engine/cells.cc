#include "engine/cells.h"

#include <cstdlib>

namespace zb::test {

Fork::Fork(const Context& context, ForkedVm::Options options)
    : Conversation(context.source, std::move(options), kPatience) {
  WaitForIdentity();
}

std::string Summary(const CellResult& result) {
  return Text("status ", int{result.done.status}, " exit ", result.done.exit_code, " flags ", int{result.done.flags},
              " out '", result.out, "' err '", result.err, "' result '", result.result, "' error '", result.error_name,
              ": ", result.error_message, "'");
}

std::string RunOk(Conversation& fork, const std::string& code) {
  const CellResult result = fork.Run(code);
  Check(result.done.status == ZB_DONE_OK && result.done.exit_code == 0 && result.err.empty(),
        "a cell failed: ", Summary(result), "\n", result.error_traceback);
  return result.out;
}

long long RunInteger(Conversation& fork, const std::string& code) {
  return std::strtoll(RunOk(fork, code).c_str(), nullptr, 10);
}

double RunNumber(Conversation& fork, const std::string& code) {
  return std::strtod(RunOk(fork, code).c_str(), nullptr);
}

uint16_t StartAndAwaitOutput(Conversation& fork, const std::string& code, uint8_t flags) {
  const uint64_t before = fork.vm().runner().bytes_out();
  const uint16_t execution = fork.Start(code, flags);
  WaitFor("the cell's first output", kPatience, [&] { return fork.vm().runner().bytes_out() > before; });
  return execution;
}

void CheckAnswers(Conversation& fork) { CheckEqual(RunOk(fork, "print(6 * 7)"), "42\n", "another fork's answer"); }

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    if (!line.empty()) lines.push_back(line);
  }
  return lines;
}

std::vector<uint8_t> FromHex(const std::string& hex) {
  std::vector<uint8_t> bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<uint8_t>(std::strtoul(hex.substr(i, 2).c_str(), nullptr, 16)));
  }
  return bytes;
}

}  // namespace zb::test

// Cells that must succeed, and the small things tests do with them.
#pragma once

#include <string>
#include <vector>

#include "engine/harness.h"
#include "fork/conversation.h"

namespace zb::test {

// Longer than any cell of these tests takes on an emulated machine that shares its processors.
inline constexpr milliseconds kPatience{180'000};

// A fork that has its identity, with the tests' patience.
class Fork : public Conversation {
 public:
  explicit Fork(const Context& context, ForkedVm::Options options = {.prefault = true});
};

// Runs a cell that must end with status ok and print nothing on standard error; returns standard output.
std::string RunOk(Conversation& fork, const std::string& code);
// The same for cells that print one integer or one number.
long long RunInteger(Conversation& fork, const std::string& code);
double RunNumber(Conversation& fork, const std::string& code);

// A cell's answer as one line, to compare and to print.
std::string Summary(const CellResult& result);

// A cell was started and its first output has left the guest: it runs.
uint16_t StartAndAwaitOutput(Conversation& fork, const std::string& code, uint8_t flags = 0);

// The VM is as a user wants it: it answers.
void CheckAnswers(Conversation& fork);

// The non-empty lines of a cell's output.
std::vector<std::string> Lines(const std::string& text);
std::vector<uint8_t> FromHex(const std::string& hex);

}  // namespace zb::test

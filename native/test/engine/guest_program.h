// Bringing the tests' own static program (test/engine/guest) into a guest and running it there.
#pragma once

#include <string>
#include <vector>

#include "fork/conversation.h"

namespace zb::test {

// Writes the program into the guest, in pieces that fit a cell.
void InstallGuestProgram(Conversation& fork);

// Runs it; returns what it printed, one element per line. It must exit with 0.
std::vector<std::string> RunGuestProgram(Conversation& fork, const std::string& arguments);

}  // namespace zb::test

// A cell that is measured, and what it must print.
#pragma once

#include <string>

#include "fork/conversation.h"

namespace zb::bench {

struct Cell {
  std::string code;
  std::string output;
};

// The one that Python is measured with throughout.
inline const Cell kCell{.code = "print(1+1)", .output = "2\n"};

// Runs it to its end. Throws as Conversation::Run, and when the answer is wrong: a failure is no fast cell.
inline void RunCell(Conversation& fork, const Cell& cell = kCell) {
  const CellResult result = fork.Run(cell.code);
  if (result.out != cell.output) {
    throw EngineError(ErrorCode::kVmClosed, "the cell printed something else: " + result.out + result.error_traceback);
  }
}

}  // namespace zb::bench

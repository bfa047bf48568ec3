// The one cell everything is measured with.
#pragma once

#include "fork/conversation.h"

namespace zb::bench {

inline constexpr const char* kCell = "print(1+1)";
inline constexpr const char* kCellOutput = "2";

// Runs it to its end. Throws as Conversation::Run, and when the answer is wrong: a failure is no fast cell.
inline void RunCell(Conversation& fork) {
  const CellResult result = fork.Run(kCell);
  if (result.out != std::string(kCellOutput) + "\n") {
    throw EngineError(ErrorCode::kVmClosed, "the cell printed something else: " + result.out + result.error_traceback);
  }
}

}  // namespace zb::bench

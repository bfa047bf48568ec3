// A kernel's symbols on a command line.
#pragma once

#include <string>

#include "template/kernel_symbols.h"

namespace zb::test {

// `text`: NAME=GPA, of a name in kKernelSymbols. Returns whether it was one.
inline bool AddSymbol(KernelSymbols& symbols, const std::string& text) {
  const size_t end = text.find('=');
  if (end == std::string::npos) return false;
  for (const KernelSymbol& symbol : kKernelSymbols) {
    if (text.compare(0, end, symbol.name) != 0) continue;
    symbols.*symbol.address = std::stoull(text.substr(end + 1), nullptr, 0);
    return true;
  }
  return false;
}

}  // namespace zb::test

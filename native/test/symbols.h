// A kernel's symbols on a command line.
#pragma once

#include <charconv>
#include <string>

#include "template/kernel_symbols.h"

namespace zb::test {

// `text`: NAME=GPA, of a name in kKernelSymbols, decimal. Returns whether it was one.
inline bool AddSymbol(KernelSymbols& symbols, const std::string& text) {
  const size_t end = text.find('=');
  if (end == std::string::npos) return false;
  for (const KernelSymbol& symbol : kKernelSymbols) {
    if (text.compare(0, end, symbol.name) != 0) continue;
    const char* last = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + end + 1, last, symbols.*symbol.address);
    return error == std::errc() && stop == last;
  }
  return false;
}

}  // namespace zb::test

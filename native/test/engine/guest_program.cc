#include "engine/guest_program.h"

#include <span>

#include "engine/cells.h"

// GUEST_PROGRAM is the path of the built program; its bytes are this object's.
__asm__(
    ".section .rodata\n"
    ".balign 16\n"
    "guest_program_begin:\n"
    ".incbin \"" GUEST_PROGRAM
    "\"\n"
    "guest_program_end:\n"
    ".previous\n");
extern const uint8_t guest_program_begin[] __attribute__((visibility("hidden")));
extern const uint8_t guest_program_end[] __attribute__((visibility("hidden")));

namespace zb::test {
namespace {

constexpr size_t kPieceBytes = 384 * 1024;  // half a mebibyte as base64: well below ZB_MAX_HOST_PAYLOAD
static_assert(kPieceBytes % 3 == 0, "pieces are encoded without padding between them");

std::string Base64(std::span<const uint8_t> bytes) {
  static constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t n = std::min<size_t>(3, bytes.size() - i);
    uint32_t word = 0;
    for (size_t k = 0; k < 3; k++) word = word << 8 | (k < n ? bytes[i + k] : 0);
    for (size_t k = 0; k < 4; k++) text += k <= n ? kAlphabet[word >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

}  // namespace

void InstallGuestProgram(Conversation& fork) {
  std::span<const uint8_t> left(guest_program_begin, guest_program_end);
  RunOk(fork, "import base64, os, subprocess\nprogram = open('/tmp/guest-tests', 'wb')");
  while (!left.empty()) {
    const auto piece = left.first(std::min(kPieceBytes, left.size()));
    RunOk(fork, "program.write(base64.b64decode('" + Base64(piece) + "')) and None");
    left = left.subspan(piece.size());
  }
  RunOk(fork, "program.close()\nos.chmod('/tmp/guest-tests', 0o755)");
}

std::vector<std::string> RunGuestProgram(Conversation& fork, const std::string& arguments) {
  const CellResult cell = fork.Run("subprocess.run(['/tmp/guest-tests', *'" + arguments + "'.split()]).returncode");
  Check(cell.result == "0", "guest-tests ", arguments, ": ", Summary(cell));
  return Lines(cell.out);
}

}  // namespace zb::test

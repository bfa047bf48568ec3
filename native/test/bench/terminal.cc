#include "terminal.h"

namespace zb::bench {
namespace {

constexpr std::chrono::seconds kPatience{20};
constexpr const char* kServing = "serving";

// A cell that never ends. What it executes and answers is what the agent's own cells do over the link.
constexpr const char* kServe = R"(
import contextlib, io, os
terminal = os.open("/dev/ttyS0", os.O_RDWR | os.O_NOCTTY)
os.write(terminal, b"serving\n")
code = b""
while True:
    code += os.read(terminal, 4096)
    if code.endswith(b"\n"):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(code.decode())
        os.write(terminal, out.getvalue().encode())
        code = b""
)";

}  // namespace

void TerminalGuest::Screen::Add(uint8_t byte) {
  if (byte == '\r') return;  // the tty ends lines with CR LF
  std::lock_guard lock(mutex_);
  if (byte != '\n') {
    line_.push_back(static_cast<char>(byte));
    return;
  }
  lines_.push_back(std::move(line_));
  line_.clear();
  changed_.notify_all();
}

std::string TerminalGuest::Screen::NextLine() {
  std::unique_lock lock(mutex_);
  if (!changed_.wait_for(lock, kPatience, [this] { return !lines_.empty(); })) {
    throw EngineError(ErrorCode::kVmClosed, "nothing came from the guest's terminal");
  }
  std::string line = std::move(lines_.front());
  lines_.pop_front();
  return line;
}

TerminalGuest::TerminalGuest(std::shared_ptr<const Template> source)
    : fork_(std::move(source), {.on_console = [this](uint8_t byte) { screen_.Add(byte); }}) {
  fork_.Start(kServe);
  while (screen_.NextLine() != kServing) {
  }
}

std::string TerminalGuest::Run(const std::string& code) {
  const std::string typed = code + "\n";
  // SAFETY: bytes are read as unsigned for the UART.
  fork_.vm().runner().TypeOnConsole({reinterpret_cast<const uint8_t*>(typed.data()), typed.size()});
  return screen_.NextLine();
}

}  // namespace zb::bench

// The engine's own measurements, without Node: one JSON line per figure, with every sample in microseconds.
//
//   bench SNAPSHOT ROOT_IMAGE [--forks N] [--cells N]
//
// Variants of one thing are measured in turn, A B C A B C, so that a machine whose speed drifts drifts for
// all of them. `test/bench` runs this and makes the table.
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "fork/conversation.h"
#include "machine/long_mode.h"
#include "template/snapshot_file.h"

namespace {

using Clock = std::chrono::steady_clock;
using zb::Template;

constexpr const char* kCell = "print(1+1)";

double Microseconds(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

struct Figure {
  std::vector<double> samples;
  size_t attempts = 0;
};
std::map<std::string, Figure> figures;

// One attempt at a figure; a failure counts as an attempt without a sample.
template <typename Body>
void Measure(const std::string& name, Body body) {
  Figure& figure = figures[name];
  figure.attempts++;
  try {
    body(figure.samples);
  } catch (const zb::EngineError& error) {
    std::fprintf(stderr, "%s: %s\n", name.c_str(), error.what());
  }
}

// The least any fork of this template must ask of KVM.
void Floor(const Template& source, std::vector<double>& samples) {
  const zb::MemoryLayout layout = source.info().layout();
  const auto start = Clock::now();
  zb::Vm vm;
  zb::Mapping memory(layout.private_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, source.ram_fd());
  vm.SetMemory(0, 0, memory.data(), memory.size());
  vm.CreateSplitIrqchip();
  zb::Vcpu vcpu(vm);
  zb::SetCpuid(vcpu, source.cpuid());
  const zb::VcpuState& state = source.vcpu();
  vcpu.SetSregs(state.sregs);
  ZB_IOCTL(vcpu.fd(), KVM_SET_XSAVE, state.xsave.data());
  ZB_IOCTL(vcpu.fd(), KVM_SET_LAPIC, &state.lapic);
  for (const kvm_msr_entry& msr : state.msrs) {
    if (msr.index == 0xc0000082) vcpu.SetMsr(msr.index, msr.data);
  }
  vcpu.SetRegs(state.regs);
  samples.push_back(Microseconds(start));
}

// The original's recipe: interrupt chip and PIT first, memory after; everything restored.
zb::Vm CreateZerobootWay(const zb::GuestMemory& memory, bool memory_first) {
  zb::Vm vm;
  const auto set_memory = [&] { vm.SetMemory(0, 0, memory.base(), memory.layout().total_bytes()); };
  if (memory_first) set_memory();
  ZB_IOCTL(vm.fd(), KVM_CREATE_IRQCHIP, 0UL);
  kvm_pit_config pit{};
  ZB_IOCTL(vm.fd(), KVM_CREATE_PIT2, &pit);
  if (!memory_first) set_memory();
  kvm_pit_state2 pit_state{};
  ZB_IOCTL(vm.fd(), KVM_GET_PIT2, &pit_state);
  ZB_IOCTL(vm.fd(), KVM_SET_PIT2, &pit_state);
  for (uint32_t chip : {KVM_IRQCHIP_PIC_MASTER, KVM_IRQCHIP_PIC_SLAVE, KVM_IRQCHIP_IOAPIC}) {
    kvm_irqchip irqchip{};
    irqchip.chip_id = chip;
    ZB_IOCTL(vm.fd(), KVM_GET_IRQCHIP, &irqchip);
    ZB_IOCTL(vm.fd(), KVM_SET_IRQCHIP, &irqchip);
  }
  return vm;
}

zb::ForkedVm::Options ZerobootOptions(bool memory_first) {
  return {.prefault = false,
          .create_vm = [memory_first](const zb::GuestMemory& memory, zb::BootQuirks*) {
            return CreateZerobootWay(memory, memory_first);
          },
          .defer_ticks = false};
}

void ForkFigures(const std::shared_ptr<const Template>& source, size_t count) {
  for (size_t i = 0; i < count; i++) {
    Measure("fork/floor", [&](auto& samples) { Floor(*source, samples); });
    for (const bool memory_first : {false, true}) {
      const std::string name = memory_first ? "_memory_first" : "";
      Measure("fork/create_zeroboot_way" + name, [&](auto& samples) {
        zb::Conversation fork(source, ZerobootOptions(memory_first));
        samples.push_back(static_cast<double>(fork.times().create_us));
      });
    }
    Measure("fork/create_and_first_cell_memory_first", [&](auto& samples) {
      const auto start = Clock::now();
      zb::Conversation fork(source, ZerobootOptions(true));
      fork.Run(kCell);
      samples.push_back(Microseconds(start));
    });
    Measure("fork/create", [&](auto& samples) {
      zb::Conversation fork(source, {.prefault = false});
      samples.push_back(static_cast<double>(fork.times().create_us));
    });
    Measure("fork/create_and_first_cell", [&](auto& samples) {
      const auto start = Clock::now();
      zb::Conversation fork(source);
      fork.Run(kCell);
      samples.push_back(Microseconds(start));
      Measure("fork/prefault",
              [&](auto& prefault) { prefault.push_back(static_cast<double>(fork.times().prefault_us)); });
      Measure("fork/teardown", [&](auto& teardown) {
        const auto close = Clock::now();
        fork.Close();
        zb::ForkedVm::JoinReaped();
        teardown.push_back(Microseconds(close));
      });
    });
    zb::ForkedVm::JoinReaped();
  }
}

void CellFigures(const std::shared_ptr<const Template>& source, size_t count) {
  zb::Conversation fork(source);
  for (int i = 0; i < 20; i++) fork.Run(kCell);
  const auto one = [&](const std::string& name, std::chrono::milliseconds pause) {
    std::this_thread::sleep_for(pause);
    Measure(name, [&](auto& samples) {
      const auto start = Clock::now();
      if (fork.Run(kCell).out != "2\n") throw zb::EngineError(zb::ErrorCode::kVmClosed, "wrong output");
      samples.push_back(Microseconds(start));
    });
  };
  for (size_t i = 0; i < count; i++) one("cell/engine_round_trip", std::chrono::milliseconds(0));
  for (size_t i = 0; i < count / 5; i++) one("cell/engine_round_trip_spaced", std::chrono::milliseconds(50));
}

// The same cell without the link: typed at the guest's terminal, its output read from the UART.
class Terminal {
 public:
  void Add(uint8_t byte) {
    std::lock_guard lock(mutex_);
    if (byte == '\n') {
      lines_.push_back(std::move(line_));
      line_.clear();
      changed_.notify_all();
    } else if (byte != '\r') {
      line_.push_back(static_cast<char>(byte));
    }
  }
  std::string NextLine() {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, std::chrono::seconds(20), [this] { return !lines_.empty(); })) {
      throw zb::EngineError(zb::ErrorCode::kVmClosed, "nothing came from the terminal");
    }
    std::string line = std::move(lines_.front());
    lines_.erase(lines_.begin());
    return line;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string line_;
  std::vector<std::string> lines_;
};

constexpr const char* kTerminalLoop = R"(
import contextlib, io, os
fd = os.open("/dev/ttyS0", os.O_RDWR | os.O_NOCTTY)
os.write(fd, b"serving\n")
code = b""
while True:
    code += os.read(fd, 4096)
    if code.endswith(b"\n"):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(code.decode())
        os.write(fd, out.getvalue().encode())
        code = b""
)";

void UartFigure(const std::shared_ptr<const Template>& source, size_t count) {
  Terminal terminal;
  zb::Conversation fork(source, {.on_console = [&terminal](uint8_t byte) { terminal.Add(byte); }});
  fork.Start(kTerminalLoop);
  while (terminal.NextLine() != "serving") {
  }
  const std::string typed = std::string(kCell) + "\n";
  for (size_t i = 0; i < count; i++) {
    Measure("cell/uart_round_trip", [&](auto& samples) {
      const auto start = Clock::now();
      fork.vm().runner().TypeOnConsole({reinterpret_cast<const uint8_t*>(typed.data()), typed.size()});
      if (terminal.NextLine() != "2") throw zb::EngineError(zb::ErrorCode::kVmClosed, "wrong output");
      samples.push_back(Microseconds(start));
    });
  }
  fork.Close();
}

void Print() {
  for (const auto& [name, figure] : figures) {
    std::printf("{\"name\":\"%s\",\"n\":%zu,\"samples\":[", name.c_str(), figure.attempts);
    for (size_t i = 0; i < figure.samples.size(); i++) std::printf("%s%.1f", i == 0 ? "" : ",", figure.samples[i]);
    std::printf("]}\n");
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: bench SNAPSHOT ROOT_IMAGE [--forks N] [--cells N]\n");
    return 2;
  }
  size_t forks = 200, cells = 1000;
  for (int i = 3; i + 1 < argc; i += 2) {
    const std::string option = argv[i];
    (option == "--forks" ? forks : cells) = std::strtoul(argv[i + 1], nullptr, 10);
  }
  try {
    const auto load = Clock::now();
    const std::shared_ptr<const Template> source = zb::LoadSnapshot(argv[1], argv[2]);
    figures["template/load"] = {.samples = {Microseconds(load)}, .attempts = 1};
    { zb::Conversation warm(source); }
    ForkFigures(source, forks);
    CellFigures(source, cells);
    UartFigure(source, std::min<size_t>(cells / 20 + 1, 50));
    zb::ForkedVm::JoinReaped();
    Print();
    return 0;
  } catch (const zb::EngineError& error) {
    std::fprintf(stderr, "%s: %s\n", zb::ErrorCodeName(error.code()), error.what());
    return 1;
  }
}

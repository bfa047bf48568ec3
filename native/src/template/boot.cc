#include "template/boot.h"

#include <sys/random.h>

#include <array>
#include <condition_variable>
#include <cstring>
#include <thread>

#include "fork/conversation.h"
#include "fork/wall_clock.h"
#include "hosts/host.h"
#include "machine/boot_params.h"
#include "machine/long_mode.h"
#include "template/huge_text.h"
#include "template/pages.h"

namespace zb {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kSeedBytes = 64;

std::string CommandLine(const BootOptions& options) {
  // lpj and no_timer_check keep Linux from calibrating against timers that are not there; reboot=k and
  // panic=-1 turn every end into a write of the reset port; pci=conf1 makes the PCI code run, which
  // registers the root image's memory; a low console level because every byte is a VM exit. kvm-clock and
  // not the TSC tells the time, because only it can be set: a fork goes on at the moment of capture, however
  // old the template is, also where the guest's TSC is the host's and cannot be offset. movable_node makes
  // Linux take memory from below instead of from above (setup_arch, memblock_set_bottom_up), so that what a template
  // has touched lies together and a fork's first memslot can be small.
  std::string line =
      "console=ttyS0 quiet loglevel=4 nokaslr acpi=off pci=conf1 8250.nr_uarts=2 reboot=k panic=-1 io_delay=none "
      "clocksource=kvm-clock tsc=reliable lpj=1000000 no_timer_check movable_node random.trust_bootloader=on root=/dev/pmem0 rootfstype=erofs "
      "rootflags=dax=always ro rootwait init=/sbin/init";
  for (const std::string& part : {Host::Current().CommandLine(), options.extra_command_line}) {
    if (!part.empty()) line += " " + part;
  }
  return line;
}

// Stops the runner when the boot takes too long.
class Watchdog {
 public:
  Watchdog(GuestRunner& runner, std::chrono::milliseconds timeout)
      : thread_([this, &runner, timeout] {
          std::unique_lock lock(mutex_);
          if (changed_.wait_for(lock, timeout, [this] { return done_; })) return;
          expired_ = true;
          runner.Stop();
        }) {}
  ~Watchdog() {
    {
      std::lock_guard lock(mutex_);
      done_ = true;
      changed_.notify_all();
    }
    thread_.join();
  }
  bool expired() {
    std::lock_guard lock(mutex_);
    return expired_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
  bool expired_ = false;
  std::thread thread_;
};

// Hands console text on in lines.
class ConsoleLines {
 public:
  explicit ConsoleLines(const std::function<void(const std::string&)>& sink) : sink_(sink) {}
  void Add(uint8_t byte) {
    line_.push_back(static_cast<char>(byte));
    if (byte == '\n' || line_.size() >= kMaxLine) Flush();
  }
  void Flush() {
    if (sink_ && !line_.empty()) sink_(line_);
    line_.clear();
  }

 private:
  static constexpr size_t kMaxLine = 1024;
  const std::function<void(const std::string&)>& sink_;
  std::string line_;
};

void RunUntilReady(Machine& machine, GuestRunner& runner, const BootOptions& options) {
  Watchdog watchdog(runner, options.timeout);
  const GuestRunner::Outcome outcome = runner.Run(machine, nullptr);
  if (outcome == GuestRunner::Outcome::kReady) return;
  std::string why = machine.end().detail;
  if (why.empty()) why = machine.link().violation();
  if (outcome == GuestRunner::Outcome::kStopped) {
    why = watchdog.expired() ? "it took longer than " + std::to_string(options.timeout.count() / 1000) + " s"
                             : "it was aborted";
  }
  throw EngineError(ErrorCode::kTemplateFailed, "the guest did not become ready: " + why)
      .WithConsole(machine.console().Text());
}

bool InterruptPending(const Vcpu& vcpu) {
  // The interrupt request register: eight 32-bit words, 16 bytes apart (Intel SDM volume 3, 10.8.4).
  constexpr size_t kIrrOffset = 0x200;
  kvm_lapic_state lapic{};
  ZB_IOCTL(vcpu.fd(), KVM_GET_LAPIC, &lapic);
  for (size_t word = 0; word < 8; word++) {
    uint32_t bits = 0;
    std::memcpy(&bits, lapic.regs + kIrrOffset + word * 16, sizeof(bits));
    if (bits != 0) return true;
  }
  return false;
}

// Freezes the vCPU at an instruction boundary with its tick armed but no interrupt pending: one that is
// would be taken by every fork at its first instruction.
VcpuState FreezeVcpu(Machine& machine, GuestRunner& runner, const BootOptions& options) {
  constexpr int kAttempts = 100;
  for (int attempt = 0; attempt < kAttempts; attempt++) {
    // The agent reads RX again: the first thing every fork does.
    machine.Answer(0);
    machine.vcpu().CompleteExit();
    const uint64_t deadline = machine.vcpu().GetMsr(kMsrTscDeadline);
    machine.vcpu().SetMsr(kMsrTscDeadline, 0);
    if (!InterruptPending(machine.vcpu())) {
      VcpuState state = CaptureVcpuState(machine.vm(), machine.vcpu());
      state.tsc_deadline = deadline;
      return state;
    }
    machine.vcpu().SetMsr(kMsrTscDeadline, deadline);
    RunUntilReady(machine, runner, options);
  }
  throw EngineError(ErrorCode::kTemplateFailed, "the guest never came to rest").WithConsole(machine.console().Text());
}

// What may be aborted at the moment, for as long as it lives.
class Abortable {
 public:
  Abortable(BootControl& control, GuestRunner& runner) : control_(control) { control_.Attach(&runner); }
  ~Abortable() { control_.Attach(nullptr); }
  Abortable(const Abortable&) = delete;
  Abortable& operator=(const Abortable&) = delete;

 private:
  BootControl& control_;
};

// Each cell in a fork of its own, because each stands for somebody's first one. A page that only some of them write is
// left to be copied when it is written: prefaulting it would cost every fork as much as it saves a few.
std::vector<PageRun> RecordWorkingSet(const std::shared_ptr<const Template>& source,
                                      const std::vector<std::string>& cells, BootControl& control) {
  std::vector<std::vector<PageRun>> written;
  for (const std::string& cell : cells) {
    Conversation conversation(source, {.prefault = false});
    const Abortable abortable(control, conversation.vm().runner());
    conversation.WaitForIdentity();
    conversation.Run(cell);
    conversation.WaitUntilParked(std::chrono::seconds(10));
    written.push_back(conversation.vm().PrivatePageRuns());
  }
  return PagesOfMost(written);
}

}  // namespace

void BootControl::Abort() {
  std::lock_guard lock(mutex_);
  aborted_ = true;
  if (runner_ != nullptr) runner_->Stop();
}

void BootControl::Attach(GuestRunner* runner) {
  std::lock_guard lock(mutex_);
  runner_ = runner;
  if (aborted_ && runner_ != nullptr) runner_->Stop();
}

std::shared_ptr<Template> BootTemplate(const BootOptions& options, BootControl& control) {
  if (options.memory_mb < kMinMemoryMb || options.memory_mb > kMaxMemoryMb) {
    throw EngineError(ErrorCode::kTemplateFailed, "guest memory must be " + std::to_string(kMinMemoryMb) + " to " +
                                                      std::to_string(kMaxMemoryMb) + " MiB");
  }
  const auto start = Clock::now();
  const CpuIdentity cpu = ReadCpuIdentity();
  auto root = RootImage::Open(options.root_image_path, options.root_digest);

  TemplateInfo info;
  info.label = options.label;
  info.kernel_digest = options.kernel_digest;
  info.root_digest = options.root_digest;
  info.cpu_digest = cpu.digest;
  info.host_kind = Host::Current().kind();
  info.tsc_khz = cpu.tsc_khz;
  info.memory_mb = options.memory_mb;
  info.root_bytes = root->bytes();
  info.root_crc = root->crc();
  info.symbols = options.symbols;
  const MemoryLayout layout = info.layout();
  UniqueFd ram = CreateMemfd("zeroboot-template", layout.total_bytes());

  VcpuState vcpu_state;
  DeviceState devices;
  {
    std::unique_ptr<BootQuirks> quirks;
    LoadedKernel kernel;
    {
      // Loaded before the machine exists, because the quirks depend on the kernel and the VM on the quirks.
      GuestMemory memory(layout, ram.get(), *root, MemorySharing::kShared);
      kernel = LoadKernel(options.kernel_path, memory);
      std::array<uint8_t, kSeedBytes> seed{};
      if (::getrandom(seed.data(), seed.size(), 0) != static_cast<ssize_t>(seed.size())) {
        ThrowSystemError(ErrorCode::kIoFailed, "getrandom", errno);
      }
      WriteBootParams(memory, kernel, CommandLine(options), seed);
      WriteMpTable(memory);
      quirks = Host::Current().NewBootQuirks(kernel);
    }
    Machine machine(layout, ram.get(), root, MemorySharing::kShared, quirks.get());
    ConsoleLines console(options.on_console);
    machine.SetConsoleListener([&console](uint8_t byte) { console.Add(byte); });
    SetCpuid(machine.vcpu(), GuestCpuid());
    EnterLongMode(machine.vcpu(), machine.memory(), kernel.entry);

    GuestRunner runner({.total_forks_gpa = 0, .stop_when_ready = true, .on_output = {}});
    const Abortable abortable(control, runner);
    RunUntilReady(machine, runner, options);
    console.Flush();

    vcpu_state = FreezeVcpu(machine, runner, options);
    quirks->CheckBeforeCapture(machine.vcpu(), machine.memory());
    if (!KnowsWallClock(machine.memory(), info.symbols, vcpu_state.clock_ns)) ForgetWallClock(info.symbols);
    devices = machine.SaveDevices();
    info.runtime = machine.link().runtime();
    info.touched_end = TouchedEnd(ram.get(), layout);
    info.stored_pages = CountPages(NonZeroPages(ram.get(), machine.memory().base(), layout.total_bytes()));
  }
  // Sealing needs the last shared mapping gone.
  SealMemfd(ram.get());
  KeepHugeTextWhole(ram.get(), info.layout(), *root, vcpu_state.sregs);
  info.boot_ms =
      static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start).count());
  info.captured_at_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();

  auto captured = std::make_shared<Template>(std::move(info), std::move(vcpu_state), devices, std::move(ram),
                                             std::move(root), GuestCpuid(), std::vector<PageRun>{});
  captured->SetWorkingSet(RecordWorkingSet(captured, options.warmup_cells, control));
  return captured;
}

}  // namespace zb

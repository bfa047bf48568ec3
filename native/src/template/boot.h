// From a kernel and a root image to a template: boot, wait for the agent, freeze, record the working set.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "fork/guest_runner.h"
#include "template/template.h"

namespace zb {

struct BootOptions {
  std::string kernel_path;
  std::string root_image_path;
  std::string kernel_digest;
  std::string root_digest;
  uint64_t memory_mb = 256;
  KernelSymbols symbols;
  std::string extra_command_line;
  std::chrono::milliseconds timeout{300'000};
  // Run in a scratch fork after capture, to record what forks write; never in the template.
  std::vector<std::string> warmup_cells;
  std::string label;
  // Console text as it comes, on the vCPU thread.
  std::function<void(const std::string&)> on_console;
};

// Ends a boot from another thread.
class BootControl {
 public:
  void Abort();

  // The runner to stop, or none. Used by the boot itself.
  void Attach(GuestRunner* runner);

 private:
  std::mutex mutex_;
  GuestRunner* runner_ = nullptr;
  bool aborted_ = false;
};

// Runs the guest on the calling thread. Throws kTemplateFailed with the guest's console, kKernelInvalid,
// kRootInvalid, kKvmFailed.
std::shared_ptr<Template> BootTemplate(const BootOptions& options, BootControl& control);

}  // namespace zb

// A forked VM with somebody who waits for its answers: what the capture, the tests and the bench use.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "fork/forked_vm.h"

namespace zb {

// What one cell gave.
struct CellResult {
  std::string out;
  std::string err;
  std::string result;                // text/plain
  std::string json;                  // application/json: a question's answer
  std::vector<std::string> prompts;  // of the requests for input
  std::string error_name, error_message, error_traceback;
  zb_done done{};
};

class Conversation {
 public:
  // Forks, waits until the fork runs and sends it its identity. Throws kForkFailed, kVmClosed or, when
  // `timeout` passes, kTemplateFailed.
  explicit Conversation(std::shared_ptr<const Template> source, ForkedVm::Options options = {.prefault = true},
                        std::chrono::milliseconds timeout = std::chrono::seconds(30));
  ~Conversation();
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  // Runs one cell to its end. Throws kVmClosed when the VM ends first, kTemplateFailed on timeout.
  CellResult Run(const std::string& code);
  // The halves of Run.
  uint16_t Start(const std::string& code, uint8_t flags = 0);
  CellResult Finish(uint16_t execution);
  void WaitForIdentity();
  // Standard input of a cell that was started with ZB_EXECUTE_STDIN_OPEN. Throws kQueueFull.
  void Write(uint16_t execution, const std::string& bytes, bool eof = false);

  // Closes the VM and waits for its end.
  VmEnd Close();
  // Waits for the VM to end by itself.
  VmEnd WaitForEnd();
  bool WaitUntilParked(std::chrono::milliseconds timeout);

  ForkedVm& vm() { return *vm_; }
  const ForkTimes& times() const;

 private:
  struct Events;
  // One whole record from the guest; throws as Run.
  zb_record Next(std::string& payload);

  std::shared_ptr<Events> events_;
  std::shared_ptr<ForkedVm> vm_;
  std::chrono::milliseconds timeout_;
  std::vector<uint8_t> pending_;
  size_t pending_offset_ = 0;
  uint16_t last_execution_ = 0;
  bool identified_ = false;
};

}  // namespace zb

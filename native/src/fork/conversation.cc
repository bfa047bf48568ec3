#include "fork/conversation.h"

#include <sys/random.h>

#include <array>
#include <cstring>
#include <thread>

namespace zb {
namespace {

std::array<uint8_t, ZB_IDENTITY_BYTES> MakeIdentity(std::chrono::nanoseconds clock_shift) {
  std::array<uint8_t, ZB_IDENTITY_BYTES> identity{};
  // More than 256 bytes may come in parts (getrandom(2)).
  for (size_t done = 0; done < identity.size();) {
    const ssize_t n = ::getrandom(identity.data() + done, identity.size() - done, 0);
    const int error_number = errno;
    if (n < 0 && error_number == EINTR) continue;
    if (n < 0) ThrowSystemError(ErrorCode::kIoFailed, "getrandom", error_number);
    done += static_cast<size_t>(n);
  }
  const auto now = std::chrono::duration_cast<std::chrono::nanoseconds>(
      std::chrono::system_clock::now().time_since_epoch() + clock_shift);
  const auto wall_clock = static_cast<uint64_t>(now.count());
  std::memcpy(identity.data() + ZB_IDENTITY_ENTROPY_BYTES, &wall_clock, sizeof(wall_clock));
  return identity;
}

}  // namespace

struct Conversation::Events : VmEvents {
  std::mutex mutex;
  std::condition_variable changed;
  bool ready = false;
  bool output = false;
  std::optional<VmEnd> end;
  ForkTimes times;

  void OnReady(const ForkTimes& fork_times) override {
    std::lock_guard lock(mutex);
    ready = true;
    times = fork_times;
    changed.notify_all();
  }
  void OnOutput() override {
    std::lock_guard lock(mutex);
    output = true;
    changed.notify_all();
  }
  void OnEnd(const VmEnd& vm_end) override {
    std::lock_guard lock(mutex);
    end = vm_end;
    changed.notify_all();
  }
};

Conversation::Conversation(std::shared_ptr<const Template> source, ForkedVm::Options options,
                           std::chrono::milliseconds timeout)
    : events_(std::make_shared<Events>()),
      vm_(ForkedVm::Start(std::move(source), events_, options)),
      timeout_(timeout) {
  {
    std::unique_lock lock(events_->mutex);
    events_->changed.wait(lock, [this] { return events_->ready || events_->end; });
    if (events_->end) {
      throw EngineError(ErrorCode::kForkFailed, events_->end->detail).WithConsole(events_->end->console);
    }
  }
  // The wall clock in it is read when the fork is about to run, however long making it took.
  vm_->runner().Send(ZB_HOST_IDENTITY, 0, 0, MakeIdentity(options.clock_shift));
}

Conversation::~Conversation() { Close(); }

const ForkTimes& Conversation::times() const { return events_->times; }

zb_record Conversation::Next(std::string& payload) {
  const auto deadline = std::chrono::steady_clock::now() + timeout_;
  while (pending_offset_ == pending_.size()) {
    {
      std::unique_lock lock(events_->mutex);
      const bool woken =
          events_->changed.wait_until(lock, deadline, [this] { return events_->output || events_->end; });
      if (!woken) throw EngineError(ErrorCode::kTemplateFailed, "the guest did not answer in time");
      if (!events_->output && events_->end) {
        throw EngineError(ErrorCode::kVmClosed,
                          std::string(EndReasonName(events_->end->reason)) + ": " + events_->end->detail)
            .WithConsole(events_->end->console);
      }
      events_->output = false;
    }
    if (auto records = vm_->runner().Read(OutputQueue::kMaxBytes)) {
      pending_ = std::move(*records);
      pending_offset_ = 0;
    }
  }
  zb_record record;
  std::memcpy(&record, pending_.data() + pending_offset_, sizeof(record));
  payload.assign(reinterpret_cast<const char*>(pending_.data()) + pending_offset_ + sizeof(record), record.length);
  pending_offset_ += sizeof(record) + record.length;
  return record;
}

void Conversation::WaitForIdentity() {
  std::string payload;
  while (!identified_) identified_ = Next(payload).kind == ZB_GUEST_IDENTITY;
}

uint16_t Conversation::Start(const std::string& code, uint8_t flags) {
  const uint16_t execution = ++last_execution_;
  vm_->runner().Send(ZB_HOST_EXECUTE, flags, execution, {reinterpret_cast<const uint8_t*>(code.data()), code.size()});
  return execution;
}

void Conversation::Write(uint16_t execution, const std::string& bytes, bool eof) {
  const std::span<const uint8_t> payload{reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
  vm_->runner().Send(ZB_HOST_STDIN, eof ? ZB_STDIN_EOF : 0, execution, payload);
}

CellResult Conversation::Finish(uint16_t execution) {
  CellResult result;
  std::string payload;
  for (;;) {
    const zb_record record = Next(payload);
    switch (record.kind) {
      case ZB_GUEST_IDENTITY:
        identified_ = true;
        break;
      case ZB_GUEST_STDOUT:
        result.out += payload;
        break;
      case ZB_GUEST_STDERR:
        result.err += payload;
        break;
      case ZB_GUEST_RESULT:
        if ((record.flags & ZB_PART_INDEX_MASK) == ZB_MIME_TEXT) result.result += payload;
        if ((record.flags & ZB_PART_INDEX_MASK) == ZB_MIME_JSON) result.json += payload;
        break;
      case ZB_GUEST_INPUT_REQUEST:
        result.prompts.push_back(payload);
        break;
      case ZB_GUEST_ERROR:
        switch (record.flags & ZB_PART_INDEX_MASK) {
          case ZB_ERROR_NAME:
            result.error_name += payload;
            break;
          case ZB_ERROR_MESSAGE:
            result.error_message += payload;
            break;
          default:
            result.error_traceback += payload;
        }
        break;
      case ZB_GUEST_DONE:
        if (record.execution != execution) break;
        std::memcpy(&result.done, payload.data(), sizeof(result.done));
        return result;
      default:
        break;
    }
  }
}

CellResult Conversation::Run(const std::string& code) { return Finish(Start(code)); }

VmEnd Conversation::WaitForEnd() {
  std::unique_lock lock(events_->mutex);
  if (!events_->changed.wait_for(lock, timeout_, [this] { return events_->end.has_value(); })) {
    throw EngineError(ErrorCode::kTemplateFailed, "the VM did not end in time");
  }
  return *events_->end;
}

VmEnd Conversation::Close() {
  vm_->Close();
  std::unique_lock lock(events_->mutex);
  events_->changed.wait(lock, [this] { return events_->end.has_value(); });
  return *events_->end;
}

bool Conversation::WaitUntilParked(std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (!vm_->runner().parked()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  return true;
}

}  // namespace zb

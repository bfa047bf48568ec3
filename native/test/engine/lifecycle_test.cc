// Forks come and go, at every moment of their lives, and leave nothing.
#include <random>
#include <thread>

#include "engine/cells.h"
#include "engine/process_state.h"

namespace zb::test {
namespace {

constexpr int kForks = 200;
constexpr size_t kAtOnce = 8;

// Somebody who only wants to know that it ended, and once.
class EndCounter : public VmEvents {
 public:
  void OnReady(const ForkTimes&) override {}
  void OnOutput() override {}
  void OnEnd(const VmEnd& end) override {
    reason = end.reason;
    ends++;
  }
  std::atomic<int> ends{0};
  std::atomic<EndReason> reason{EndReason::kKvmFailed};
};

enum class When { kDuringCreation, kBeforeIdentity, kIdle, kMidCell, kMidOutput, kAsleep, kCount };

// A fork in the state in which it is to be closed.
struct Doomed {
  std::shared_ptr<EndCounter> counter;  // with `vm`: closed while it is being made
  std::shared_ptr<ForkedVm> vm;
  std::unique_ptr<Conversation> conversation;  // in every other case
};

Doomed Make(const Context& context, When when, std::mt19937_64& random) {
  Doomed doomed;
  if (when == When::kDuringCreation) {
    doomed.counter = std::make_shared<EndCounter>();
    doomed.vm = ForkedVm::Start(context.source, doomed.counter);
    // Anywhere in its making, which takes this long in the order of magnitude.
    std::this_thread::sleep_for(std::chrono::microseconds(random() % (context.emulated ? 20'000 : 1'000)));
    return doomed;
  }
  doomed.conversation = std::make_unique<Conversation>(context.source, ForkedVm::Options{.prefault = true}, kPatience);
  Conversation& fork = *doomed.conversation;
  if (when == When::kBeforeIdentity) return doomed;
  fork.WaitForIdentity();
  switch (when) {
    case When::kMidCell:
      StartAndAwaitOutput(fork, "print(1)\nwhile True: pass");
      break;
    case When::kMidOutput:
      StartAndAwaitOutput(fork, "while True: print('x' * 1000)");
      break;
    case When::kAsleep:
      StartAndAwaitOutput(fork, "import time\nprint(1)\ntime.sleep(100)");
      break;
    default:
      CheckAnswers(fork);
  }
  return doomed;
}

void Close(Doomed& doomed) {
  if (doomed.conversation) {
    CheckEqual(EndReasonName(doomed.conversation->Close().reason), std::string("closed"), "the reason of the end");
    return;
  }
  doomed.vm->Close();
  WaitFor("the end of a fork closed while it was made", kPatience, [&] { return doomed.counter->ends > 0; });
  CheckEqual(EndReasonName(doomed.counter->reason), std::string("closed"), "the reason of the end");
}

void CreateAndClose(const Context& context, int forks, std::mt19937_64& random) {
  std::vector<Doomed> alive;
  for (int i = 0; i < forks; i++) {
    alive.push_back(Make(context, static_cast<When>(i % static_cast<int>(When::kCount)), random));
    if (alive.size() < kAtOnce) continue;
    std::swap(alive[random() % alive.size()], alive.back());
    Close(alive.back());
    alive.pop_back();
  }
  for (Doomed& doomed : alive) Close(doomed);
  for (const Doomed& doomed : alive) {
    if (doomed.counter) CheckEqual(doomed.counter->ends.load(), 1, "how often OnEnd was called");
  }
}

}  // namespace

ENGINE_TEST(lifecycle_leaves_nothing) {
  std::mt19937_64 random(std::random_device{}());
  // Once round, so that what is made once and kept (the reaper, cached thread stacks) is there.
  CreateAndClose(context, 4 * static_cast<int>(kAtOnce), random);
  ForkedVm::JoinReaped();
  const ProcessState before = ProcessState::Read();
  const auto start = Clock::now();
  CreateAndClose(context, kForks, random);
  const double took = MillisecondsSince(start);
  const auto closed = Clock::now();
  ForkedVm::JoinReaped();
  // A joined thread stays in /proc for the moment its kernel side still takes to end.
  ProcessState after = ProcessState::Read();
  while (!after.LeavesNothingOver(before) && MillisecondsSince(closed) < 10'000) {
    std::this_thread::sleep_for(milliseconds(1));
    after = ProcessState::Read();
  }
  const double released = MillisecondsSince(closed);
  Check(after.LeavesNothingOver(before), after.Summary(), " ", released, " ms after ", kForks,
        " forks; before: ", before.Summary());
  CheckEqual(after.guest_mappings, size_t{0}, "the number of mappings of guests left");
  CheckEqual(after.live + after.reaping, 0, "the number of VMs left");
  return Text(kForks, " forks in ", took / 1000, " s; ", after.Summary(), " as before, ", released,
              " ms after the last one");
}

// Closing is the owner's part and may come from anywhere, any number of times.
ENGINE_TEST(lifecycle_close_is_idempotent) {
  Fork fork(context);
  CheckAnswers(fork);
  std::vector<std::thread> closers;
  for (int i = 0; i < 4; i++) closers.emplace_back([&fork] { fork.vm().Close(); });
  for (std::thread& closer : closers) closer.join();
  CheckEqual(EndReasonName(fork.Close().reason), std::string("closed"), "the reason of the end");
  CheckEqual(EndReasonName(fork.Close().reason), std::string("closed"), "the reason of the end, asked again");
  // Everything else is a no-op then, not a crash.
  fork.vm().runner().DiscardOutput();
  Check(!fork.vm().MemoryContains(FromHex("00")), "an ended VM still has memory");
  Check(fork.vm().PrivatePageRuns().empty(), "an ended VM still has private pages");
  try {
    fork.Run("1");
    throw Failure("a closed VM ran a cell");
  } catch (const EngineError& error) {
    CheckEqual(ErrorCodeName(error.code()), std::string("vm_closed"), "the error of a cell in a closed VM");
  }
  return "closed by four threads and twice more; later calls answer or throw vm_closed";
}

}  // namespace zb::test

//   mapMachineId(path)                  in the template: the file a fork's machine id is written to
//   emptyGenerators()                   in the template, last: OpenSSL's generators as before anybody drew from them
//   mapRandomState(state)               in the template: the four words of Math.random()'s generator
//
// A fork takes its identity in receive(), without any JavaScript: each line of that has pages that a first cell need
// not wait for.
#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <uv.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <latch>
#include <string>
#include <string_view>
#include <vector>

#include "calls.h"

extern "C" {
#include "identity.h"
#include "link_abi.h"

// Node links OpenSSL and exports it; its headers are not needed for a few functions.
void RAND_add(const void *buffer, int bytes, double randomness);
void *RAND_get0_primary(void *context);
void *RAND_get0_private(void *context);
void *RAND_get0_public(void *context);
int EVP_RAND_uninstantiate(void *generator);
int EVP_RAND_get_state(void *generator);
}

namespace zb {
namespace {

constexpr int kUninitialised = 0;  // EVP_RAND_STATE_UNINITIALISED of openssl/evp.h

// Whether no generator of OpenSSL's has a state that all forks would share.
bool generators_are_empty = false;

// Of a Small Fast Counter: its words, and behind them the counter.
constexpr size_t kRandomWords = 3;
uint32_t *random_state = nullptr;
v8::Global<v8::Int32Array> random_state_owner;

constexpr size_t kMachineIdDigits = 2 * ZB_IDENTITY_MACHINE_BYTES;

void MapMachineId(Args args) {
  v8::Isolate *isolate = args.GetIsolate();
  const v8::String::Utf8Value path(isolate, args[0]);
  char text[kMachineIdDigits + 1];
  std::memset(text, '0', kMachineIdDigits);
  text[kMachineIdDigits] = '\n';
  const int fd = open(*path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
  if (fd < 0 || write(fd, text, sizeof text) != static_cast<ssize_t>(sizeof text)) {
    return ThrowErrno(isolate, "machine id");
  }
  void *view = mmap(nullptr, sizeof text, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (view == MAP_FAILED) return ThrowErrno(isolate, "machine id");
  // Touched, so that no fork takes the fault.
  std::memcpy(view, text, sizeof text);
  zb_identity_set_machine_id(static_cast<char *>(view));
}

bool Empty(void *generator) {
  return generator != nullptr && EVP_RAND_uninstantiate(generator) == 1 &&
         EVP_RAND_get_state(generator) == kUninitialised;
}

// Those of the calling thread, which nobody else can name. They are made if it has none, from the primary one.
bool EmptyThread() { return Empty(RAND_get0_public(nullptr)) && Empty(RAND_get0_private(nullptr)); }

// How many threads libuv's pool has; -1 where there is a thread of which it is not known that it never draws.
int PoolThreads() {
  DIR *tasks = opendir("/proc/self/task");
  if (tasks == nullptr) return -1;
  int pool = 0;
  const std::string main = std::to_string(getpid());
  while (const dirent *task = pool < 0 ? nullptr : readdir(tasks)) {
    if (task->d_name[0] == '.' || task->d_name == main) continue;
    char path[64], name[32] = "";
    std::snprintf(path, sizeof path, "/proc/self/task/%s/comm", task->d_name);
    std::FILE *file = std::fopen(path, "re");
    if (file == nullptr || std::fscanf(file, "%31s", name) != 1) name[0] = 0;
    if (file != nullptr) std::fclose(file);
    const std::string_view known(name);
    if (known == "libuv-worker") {
      pool++;
    } else if (known != "V8Worker" && known != "DelayedTaskSche" && known != kInterruptsThread) {
      pool = -1;
    }
  }
  closedir(tasks);
  return pool;
}

// One piece of work for each of the pool's threads: none of them ends before all have begun.
struct PoolWork {
  explicit PoolWork(int threads) : begun(threads), done(threads), requests(static_cast<size_t>(threads)) {}
  std::latch begun, done;
  std::atomic<bool> all_empty{true};
  std::vector<uv_work_t> requests;
};

bool EmptyPool(uv_loop_t *loop, int threads) {
  // Held for ever: libuv reports the end of each to the loop later.
  auto *work = new PoolWork(threads);
  for (uv_work_t &request : work->requests) {
    request.data = work;
    const auto empty = [](uv_work_t *one) {
      auto *all = static_cast<PoolWork *>(one->data);
      all->begun.arrive_and_wait();
      if (!EmptyThread()) all->all_empty = false;
      all->done.count_down();
    };
    uv_queue_work(loop, &request, empty, [](uv_work_t *, int) {});
  }
  work->done.wait();
  return work->all_empty;
}

// The next to draw seeds them from the kernel then (ossl_prov_drbg_generate() of OpenSSL 3), so that a fork pays for it
// only if it draws: seeding is several system calls, milliseconds where kernel mode is emulated. The primary one is the
// last, because the others are made from it.
void EmptyGenerators(Args args) {
  const int threads = PoolThreads();
  generators_are_empty = threads >= 0 && EmptyPool(node::GetCurrentEventLoop(args.GetIsolate()), threads) &&
                         EmptyThread() && Empty(RAND_get0_primary(nullptr));
  args.GetReturnValue().Set(generators_are_empty);
}

void MapRandomState(Args args) {
  const auto state = args[0].As<v8::Int32Array>();
  // Of an ArrayBuffer of its own, which V8 does not move.
  random_state_owner.Reset(args.GetIsolate(), state);
  random_state = static_cast<uint32_t *>(state->Buffer()->Data());
}

}  // namespace

void TakeIdentity(int flags, const uint8_t *identity, size_t length) {
  if (zb_identity_take(flags, identity, length) < 0) _exit(ZB_IDENTITY_REFUSED);
  const uint8_t *seeds = identity + ZB_IDENTITY_SEEDS_OFFSET;
  std::memcpy(random_state, seeds, kRandomWords * sizeof *random_state);
  random_state[kRandomWords] = 1;
  // Whoever draws fills the primary one first.
  if (generators_are_empty && EVP_RAND_get_state(RAND_get0_primary(nullptr)) == kUninitialised) return;
  // The generators of all threads are seeded anew from the one this goes to. OpenSSL tells forks by process id, which
  // is the same in all of ours.
  RAND_add(seeds + ZB_IDENTITY_SEEDS_BYTES - ZB_IDENTITY_ENTROPY_BYTES, ZB_IDENTITY_ENTROPY_BYTES,
           ZB_IDENTITY_ENTROPY_BYTES);
}

void AddIdentityCalls(v8::Local<v8::Object> exports) {
  Define(exports, "mapMachineId", MapMachineId);
  Define(exports, "emptyGenerators", EmptyGenerators);
  Define(exports, "mapRandomState", MapRandomState);
}

}  // namespace zb

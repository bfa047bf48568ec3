//   mapMachineId(path)                  in the template: the file a fork's machine id is written to
//   takeIdentity(flags, payload)        what makes a fork itself: kernel, clock, OpenSSL, machine id
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "calls.h"

extern "C" {
#include "identity.h"
#include "link_abi.h"

// Node links OpenSSL and exports it; its headers are not needed for one function.
void RAND_add(const void *buffer, int bytes, double randomness);
}

namespace zb {
namespace {

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
  zb_identity_set_machine_id(static_cast<char *>(view));
}

void TakeIdentity(Args args) {
  const Bytes identity(args.GetIsolate(), args[1]);
  const auto *bytes = reinterpret_cast<const uint8_t *>(identity.data());
  if (zb_identity_take(static_cast<int>(Number(args, 0)), bytes, identity.size()) < 0) {
    return ThrowErrno(args.GetIsolate(), "identity");
  }
  // The generators of all threads are seeded anew from the one this goes to. OpenSSL tells forks by process id, which
  // is the same in all of ours.
  const uint8_t *seeds = bytes + ZB_IDENTITY_SEEDS_OFFSET;
  RAND_add(seeds + ZB_IDENTITY_SEEDS_BYTES - ZB_IDENTITY_ENTROPY_BYTES, ZB_IDENTITY_ENTROPY_BYTES,
           ZB_IDENTITY_ENTROPY_BYTES);
}

}  // namespace

void AddIdentityCalls(v8::Local<v8::Object> exports) {
  Define(exports, "mapMachineId", MapMachineId);
  Define(exports, "takeIdentity", TakeIdentity);
}

}  // namespace zb

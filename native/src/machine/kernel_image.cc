#include "machine/kernel_image.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "kvm/error.h"

namespace zb {
namespace {

constexpr uint64_t kMaxKernelBytes = 512 * kMiB;
constexpr uint64_t kMinKernelBytes = 1024;
// bzImage header fields (Documentation/x86/boot.rst).
constexpr uint64_t kSetupSectsOffset = 0x1f1;
constexpr uint64_t kHeaderMagicOffset = 0x202;
constexpr uint64_t kVersionOffset = 0x206;
constexpr uint64_t kXloadflagsOffset = 0x236;
constexpr uint16_t kXlf64BitEntry = 1;
constexpr uint64_t kInitSizeOffset = 0x260;
constexpr uint64_t kHeaderEndOffset = 0x268;
constexpr uint64_t kSectorBytes = 512;
constexpr uint64_t k64BitEntryOffset = 0x200;

[[noreturn]] void Invalid(const std::string& path, const std::string& why) {
  throw EngineError(ErrorCode::kKernelInvalid, "kernel " + path + ": " + why);
}

// Read, not mapped: a file cut short while it is read is an error here, and would be a SIGBUS there.
class File {
 public:
  explicit File(const std::string& path) : path_(path), fd_(OpenInput(path)) {
    if (!fd_) Invalid(path, std::strerror(errno));
    struct stat status {};
    if (::fstat(fd_.get(), &status) != 0) Invalid(path, std::strerror(errno));
    size_ = static_cast<uint64_t>(status.st_size);
    if (!S_ISREG(status.st_mode) || size_ < kMinKernelBytes || size_ > kMaxKernelBytes) {
      Invalid(path, "not the size of a kernel");
    }
  }
  void ReadAt(uint64_t offset, std::span<uint8_t> target) const {
    if (offset > size_ || target.size() > size_ - offset) Invalid(path_, "a header points outside the file");
    while (!target.empty()) {
      const ssize_t n = ::pread(fd_.get(), target.data(), target.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) Invalid(path_, n < 0 ? std::strerror(errno) : "it shrank while it was read");
      target = target.subspan(static_cast<size_t>(n));
      offset += static_cast<uint64_t>(n);
    }
  }
  template <typename T>
  T Read(uint64_t offset) const {
    T value;
    ReadAt(offset, {reinterpret_cast<uint8_t*>(&value), sizeof(T)});
    return value;
  }
  uint64_t size() const { return size_; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  UniqueFd fd_;
  uint64_t size_ = 0;
};

// `length` bytes of the file at `offset` go to `gpa`, where `memory_length` bytes must be low RAM.
void ReadIn(const File& file, uint64_t offset, uint64_t length, GuestMemory& memory, uint64_t gpa,
            uint64_t memory_length) {
  if (gpa < kHighMemoryGpa || memory_length > memory.layout().ring_gpa() ||
      gpa > memory.layout().ring_gpa() - memory_length) {
    Invalid(file.path(), "a segment does not fit in the first " + std::to_string(memory.layout().ring_gpa() / kMiB) +
                             " MiB of the guest's memory");
  }
  const auto target = memory.At(gpa, length);
  if (!target) Invalid(file.path(), "a segment does not fit in the guest's memory");
  file.ReadAt(offset, *target);
}

LoadedKernel LoadElf(const File& file, GuestMemory& memory) {
  const auto header = file.Read<Elf64_Ehdr>(0);
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_machine != EM_X86_64 || header.e_type != ET_EXEC ||
      header.e_phentsize != sizeof(Elf64_Phdr)) {
    Invalid(file.path(), "an ELF file, but not an x86-64 vmlinux");
  }
  LoadedKernel kernel;
  kernel.entry = header.e_entry;
  bool loaded = false;
  for (uint16_t i = 0; i < header.e_phnum; i++) {
    const auto segment = file.Read<Elf64_Phdr>(header.e_phoff + i * sizeof(Elf64_Phdr));
    if (segment.p_type != PT_LOAD) continue;
    if (segment.p_memsz < segment.p_filesz) Invalid(file.path(), "a segment is larger in the file than in memory");
    ReadIn(file, segment.p_offset, segment.p_filesz, memory, segment.p_paddr, segment.p_memsz);
    loaded = true;
    if (header.e_entry >= segment.p_paddr && header.e_entry - segment.p_paddr < segment.p_memsz) {
      kernel.entry_virtual = segment.p_vaddr + (header.e_entry - segment.p_paddr);
    }
  }
  if (!loaded || kernel.entry_virtual == 0) Invalid(file.path(), "no segment holds the entry point");
  return kernel;
}

LoadedKernel LoadBzImage(const File& file, GuestMemory& memory) {
  if (file.Read<uint16_t>(kVersionOffset) < 0x020c || (file.Read<uint16_t>(kXloadflagsOffset) & kXlf64BitEntry) == 0) {
    Invalid(file.path(), "a bzImage without the 64-bit entry (boot protocol 2.12)");
  }
  uint64_t setup_sectors = file.Read<uint8_t>(kSetupSectsOffset);
  if (setup_sectors == 0) setup_sectors = 4;
  const uint64_t payload = (setup_sectors + 1) * kSectorBytes;
  if (payload >= file.size()) Invalid(file.path(), "a bzImage without a payload");
  const uint64_t length = file.size() - payload;
  // It decompresses in place, from its preferred address upwards.
  constexpr uint64_t kLoadGpa = 0x1000000;
  ReadIn(file, payload, length, memory, kLoadGpa, std::max<uint64_t>(length, file.Read<uint32_t>(kInitSizeOffset)));
  LoadedKernel kernel;
  kernel.is_bzimage = true;
  kernel.entry = kLoadGpa + k64BitEntryOffset;
  const uint64_t header_bytes = kHeaderEndOffset - kSetupSectsOffset;
  kernel.setup_header.resize(header_bytes);
  file.ReadAt(kSetupSectsOffset, {reinterpret_cast<uint8_t*>(kernel.setup_header.data()), header_bytes});
  return kernel;
}

}  // namespace

LoadedKernel LoadKernel(const std::string& path, GuestMemory& memory) {
  const File file(path);
  const auto elf_magic = file.Read<std::array<char, SELFMAG>>(0);
  if (std::memcmp(elf_magic.data(), ELFMAG, SELFMAG) == 0) return LoadElf(file, memory);
  const auto bzimage_magic = file.Read<std::array<char, 4>>(kHeaderMagicOffset);
  if (std::memcmp(bzimage_magic.data(), "HdrS", 4) == 0) return LoadBzImage(file, memory);
  Invalid(path, "neither a vmlinux (ELF) nor a bzImage");
}

}  // namespace zb

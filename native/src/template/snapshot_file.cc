#include "template/snapshot_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "hosts/host.h"
#include "machine/crc32c.h"
#include "machine/long_mode.h"
#include "template/byte_stream.h"
#include "template/huge_text.h"
#include "template/pages.h"

namespace zb {
namespace {

constexpr std::array<char, 8> kMagic = {'Z', 'B', 'T', 'E', 'M', 'P', 'L', '\0'};
constexpr uint32_t kFormatVersion = 3;
constexpr uint64_t kMaxSectionBytes = 64 * kMiB;
constexpr uint64_t kMaxTscDriftPpm = 250;

struct Section {
  uint64_t offset = 0;
  uint64_t bytes = 0;
  uint32_t crc = 0;
  uint32_t reserved = 0;
};
struct Header {
  std::array<char, 8> magic = kMagic;
  uint32_t format_version = kFormatVersion;
  uint32_t engine_abi = kEngineAbi;
  Section info, state, pages;
  uint64_t data_offset = 0;
  uint64_t data_bytes = 0;
  uint32_t reserved = 0;
  uint32_t crc = 0;  // of everything before it
};
static_assert(sizeof(Header) == 8 + 8 + 3 * 24 + 16 + 8, "the format has no hidden padding");

struct StoredRun {
  uint32_t first = 0;
  uint32_t count = 0;
  uint32_t crc = 0;
};

std::span<const uint8_t> HeaderBody(const Header& header) {
  return {reinterpret_cast<const uint8_t*>(&header), offsetof(Header, crc)};
}

[[noreturn]] void Corrupt(const std::string& path, const std::string& why) {
  throw EngineError(ErrorCode::kTemplateCorrupt, "snapshot " + path + ": " + why);
}
[[noreturn]] void Mismatch(const std::string& path, const std::string& why) {
  throw EngineError(ErrorCode::kTemplateMismatch, "snapshot " + path + ": " + why);
}

void WriteInfo(ByteWriter& writer, const TemplateInfo& info) {
  for (const std::string* text :
       {&info.label, &info.runtime, &info.kernel_digest, &info.root_digest, &info.cpu_digest, &info.host_kind}) {
    writer.String(*text);
  }
  writer.Pod(info.root_crc);
  writer.Pod(info.engine_abi);
  writer.Pod(info.tsc_khz);
  writer.Pod(info.memory_mb);
  writer.Pod(info.root_bytes);
  writer.Pod(info.touched_end);
  for (const KernelSymbol& symbol : kKernelSymbols) writer.Pod(info.symbols.*symbol.address);
  writer.Pod(info.stored_pages);
  writer.Pod(info.working_set_pages);
  writer.Pod(info.captured_at_ms);
  writer.Pod(info.boot_ms);
}

TemplateInfo ReadInfo(ByteReader reader) {
  TemplateInfo info;
  for (std::string* text :
       {&info.label, &info.runtime, &info.kernel_digest, &info.root_digest, &info.cpu_digest, &info.host_kind}) {
    *text = reader.String();
  }
  info.root_crc = reader.Pod<uint32_t>();
  info.engine_abi = reader.Pod<uint32_t>();
  info.tsc_khz = reader.Pod<uint32_t>();
  info.memory_mb = reader.Pod<uint64_t>();
  info.root_bytes = reader.Pod<uint64_t>();
  info.touched_end = reader.Pod<uint64_t>();
  for (const KernelSymbol& symbol : kKernelSymbols) info.symbols.*symbol.address = reader.Pod<uint64_t>();
  info.stored_pages = reader.Pod<uint64_t>();
  info.working_set_pages = reader.Pod<uint64_t>();
  info.captured_at_ms = reader.Pod<int64_t>();
  info.boot_ms = reader.Pod<uint64_t>();
  reader.ExpectEnd();
  return info;
}

void WriteState(ByteWriter& writer, const VcpuState& vcpu, const DeviceState& devices) {
  writer.Pod(vcpu.regs);
  writer.Pod(vcpu.sregs);
  writer.Pod(vcpu.xcrs);
  writer.Pod(vcpu.debugregs);
  writer.Pod(vcpu.lapic);
  writer.Pod(vcpu.events);
  writer.Pod(vcpu.mp_state);
  writer.Array(std::span<const uint8_t>(vcpu.xsave));
  writer.Array(std::span<const kvm_msr_entry>(vcpu.msrs));
  writer.Pod(vcpu.tsc);
  writer.Pod(vcpu.tsc_deadline);
  writer.Pod(vcpu.clock_ns);
  writer.Pod(devices);
}

void ReadState(ByteReader reader, VcpuState& vcpu, DeviceState& devices) {
  vcpu.regs = reader.Pod<kvm_regs>();
  vcpu.sregs = reader.Pod<kvm_sregs>();
  vcpu.xcrs = reader.Pod<kvm_xcrs>();
  vcpu.debugregs = reader.Pod<kvm_debugregs>();
  vcpu.lapic = reader.Pod<kvm_lapic_state>();
  vcpu.events = reader.Pod<kvm_vcpu_events>();
  vcpu.mp_state = reader.Pod<kvm_mp_state>();
  vcpu.xsave = reader.Array<uint8_t>();
  vcpu.msrs = reader.Array<kvm_msr_entry>();
  vcpu.tsc = reader.Pod<uint64_t>();
  vcpu.tsc_deadline = reader.Pod<uint64_t>();
  vcpu.clock_ns = reader.Pod<uint64_t>();
  devices = reader.Pod<DeviceState>();
  reader.ExpectEnd();
}

// A name of its own for each write: two at once must not share a file.
std::string TemporaryName(const std::string& path) {
  static std::atomic<unsigned> next{0};
  return path + ".tmp-" + std::to_string(::getpid()) + "-" + std::to_string(next++);
}

// A file being written under a temporary name, gone unless published.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& path)
      : final_(path),
        name_(TemporaryName(path)),
        fd_(::open(name_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600)) {
    const int error_number = errno;
    if (!fd_) ThrowSystemError(ErrorCode::kIoFailed, ("open " + name_).c_str(), error_number);
  }
  ~TemporaryFile() {
    if (!name_.empty()) ::unlink(name_.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  void WriteAt(uint64_t offset, std::span<const uint8_t> bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
      const int error_number = errno;
      if (n < 0 && error_number == EINTR) continue;
      if (n < 0) ThrowSystemError(ErrorCode::kIoFailed, ("write " + name_).c_str(), error_number);
      bytes = bytes.subspan(static_cast<size_t>(n));
      offset += static_cast<uint64_t>(n);
    }
  }
  void Publish() {
    if (::fsync(fd_.get()) != 0) ThrowSystemError(ErrorCode::kIoFailed, "fsync", errno);
    if (::rename(name_.c_str(), final_.c_str()) != 0) ThrowSystemError(ErrorCode::kIoFailed, "rename", errno);
    name_.clear();
    const size_t slash = final_.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : final_.substr(0, slash + 1);
    UniqueFd directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory && ::fsync(directory.get()) != 0) ThrowSystemError(ErrorCode::kIoFailed, "fsync", errno);
  }

 private:
  std::string final_;
  std::string name_;
  UniqueFd fd_;
};

class SnapshotReader {
 public:
  explicit SnapshotReader(const std::string& path) : path_(path), fd_(OpenInput(path)) {
    if (!fd_) {
      const int error_number = errno;
      if (error_number == ENOENT)
        throw EngineError(ErrorCode::kTemplateMissing, "no snapshot at " + path, "open", ENOENT);
      ThrowSystemError(ErrorCode::kIoFailed, ("open " + path).c_str(), error_number);
    }
    struct stat status {};
    if (::fstat(fd_.get(), &status) != 0) ThrowSystemError(ErrorCode::kIoFailed, "fstat", errno);
    size_ = static_cast<uint64_t>(status.st_size);
    if (!S_ISREG(status.st_mode)) Corrupt(path, "not a file");
    if (size_ < kPageBytes) Corrupt(path, "too short to be a snapshot");
    ReadAt(0, {reinterpret_cast<uint8_t*>(&header_), sizeof(header_)});
    if (header_.magic != kMagic) Corrupt(path, "not a template snapshot");
    if (header_.format_version != kFormatVersion) {
      Mismatch(path, "format version " + std::to_string(header_.format_version) + ", this engine reads " +
                         std::to_string(kFormatVersion));
    }
    if (header_.crc != Crc32c(HeaderBody(header_))) Corrupt(path, "the header's checksum is wrong");
    if (header_.engine_abi != kEngineAbi) {
      Mismatch(path,
               "engine ABI " + std::to_string(header_.engine_abi) + ", this engine has " + std::to_string(kEngineAbi));
    }
    CheckLayout();
  }

  const Header& header() const { return header_; }
  std::vector<uint8_t> ReadSection(const Section& section, const char* name) const {
    std::vector<uint8_t> bytes(section.bytes);
    ReadAt(section.offset, bytes);
    if (Crc32c(bytes) != section.crc) Corrupt(path_, std::string("the ") + name + " section's checksum is wrong");
    return bytes;
  }
  void ReadAt(uint64_t offset, std::span<uint8_t> target) const {
    while (!target.empty()) {
      const ssize_t n = ::pread(fd_.get(), target.data(), target.size(), static_cast<off_t>(offset));
      const int error_number = errno;
      if (n < 0 && error_number == EINTR) continue;
      if (n < 0) ThrowSystemError(ErrorCode::kIoFailed, ("read " + path_).c_str(), error_number);
      if (n == 0) Corrupt(path_, "truncated");
      target = target.subspan(static_cast<size_t>(n));
      offset += static_cast<uint64_t>(n);
    }
  }

 private:
  // Where everything is follows from how long it is: the file has one possible shape, and nothing outside of it.
  void CheckLayout() const {
    uint64_t offset = sizeof(Header);
    uint64_t next = kPageBytes;
    for (const Section* section : {&header_.info, &header_.state, &header_.pages}) {
      ExpectZeroes(offset, next);
      if (section->offset != next || section->reserved != 0) Corrupt(path_, "a section is not where it belongs");
      if (section->bytes > kMaxSectionBytes || section->bytes > size_ - next) Corrupt(path_, "truncated");
      offset = next = section->offset + section->bytes;
    }
    next = RoundUp(offset, kPageBytes);
    if (next > size_) Corrupt(path_, "truncated");
    ExpectZeroes(offset, next);
    if (header_.data_offset != next || header_.reserved != 0) Corrupt(path_, "its pages are not where they belong");
    if (header_.data_bytes != size_ - next) Corrupt(path_, "truncated, or longer than its pages");
  }
  void ExpectZeroes(uint64_t offset, uint64_t end) const {
    std::vector<uint8_t> padding(end - offset);
    ReadAt(offset, padding);
    if (std::any_of(padding.begin(), padding.end(), [](uint8_t byte) { return byte != 0; })) {
      Corrupt(path_, "something is written where nothing should be");
    }
  }

  std::string path_;
  UniqueFd fd_;
  uint64_t size_ = 0;
  Header header_;
};

void CheckThisHost(const std::string& path, const TemplateInfo& info) {
  const CpuIdentity cpu = ReadCpuIdentity();
  if (info.host_kind != Host::Current().kind()) {
    Mismatch(path, "captured on host kind " + info.host_kind + ", this is " + Host::Current().kind());
  }
  if (info.cpu_digest != cpu.digest) {
    Mismatch(path, "captured on a CPU with other features (digest " + info.cpu_digest + ", here " + cpu.digest + ")");
  }
  const uint64_t difference = info.tsc_khz > cpu.tsc_khz ? info.tsc_khz - cpu.tsc_khz : cpu.tsc_khz - info.tsc_khz;
  if (difference * 1'000'000 > kMaxTscDriftPpm * cpu.tsc_khz) {
    Mismatch(path, "captured at a TSC of " + std::to_string(info.tsc_khz) + " kHz, here " +
                       std::to_string(cpu.tsc_khz) + " kHz");
  }
}

UniqueFd LoadPages(const SnapshotReader& reader, const std::string& path, const MemoryLayout& layout,
                   const std::vector<StoredRun>& runs) {
  const Header& header = reader.header();
  UniqueFd ram = CreateMemfd("zeroboot-template", layout.total_bytes());
  {
    Mapping memory(layout.total_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, ram.get());
    uint64_t done = 0;
    for (const StoredRun& run : runs) {
      const uint64_t gpa = uint64_t{run.first} * kPageBytes;
      const uint64_t bytes = uint64_t{run.count} * kPageBytes;
      if (!layout.IsPrivate(gpa, bytes) || bytes > header.data_bytes - done) {
        Corrupt(path, "a page run lies outside the guest's memory");
      }
      const std::span<uint8_t> target(memory.data() + gpa, bytes);
      reader.ReadAt(header.data_offset + done, target);
      if (Crc32c(target) != run.crc) Corrupt(path, "the checksum of a page run is wrong");
      done += bytes;
    }
    if (done != header.data_bytes) {
      Corrupt(path, "it is longer or shorter than its pages");
    }
  }
  SealMemfd(ram.get());
  return ram;
}

}  // namespace

void SaveSnapshot(const Template& source, const std::string& path) {
  const MemoryLayout layout = source.info().layout();
  const Mapping memory(layout.total_bytes(), PROT_READ, MAP_SHARED, source.ram_fd());
  std::vector<StoredRun> runs;
  for (const PageRun& run : NonZeroPages(source.ram_fd(), memory.data(), layout.total_bytes())) {
    const std::span<const uint8_t> bytes(memory.data() + uint64_t{run.first} * kPageBytes,
                                         uint64_t{run.count} * kPageBytes);
    runs.push_back({.first = run.first, .count = run.count, .crc = Crc32c(bytes)});
  }
  ByteWriter info, state, pages;
  WriteInfo(info, source.info());
  WriteState(state, source.vcpu(), source.devices());
  pages.Array(std::span<const StoredRun>(runs));
  pages.Array(std::span<const PageRun>(source.working_set()));

  Header header;
  uint64_t offset = kPageBytes;
  const auto place = [&offset](Section& section, const ByteWriter& writer) {
    section = {.offset = offset, .bytes = writer.data().size(), .crc = Crc32c(writer.data()), .reserved = 0};
    offset += writer.data().size();
  };
  place(header.info, info);
  place(header.state, state);
  place(header.pages, pages);
  header.data_offset = RoundUp(offset, kPageBytes);
  for (const StoredRun& run : runs) header.data_bytes += uint64_t{run.count} * kPageBytes;
  header.crc = Crc32c(HeaderBody(header));

  TemporaryFile file(path);
  file.WriteAt(0, {reinterpret_cast<const uint8_t*>(&header), sizeof(header)});
  file.WriteAt(header.info.offset, info.data());
  file.WriteAt(header.state.offset, state.data());
  file.WriteAt(header.pages.offset, pages.data());
  uint64_t at = header.data_offset;
  for (const StoredRun& run : runs) {
    const uint64_t bytes = uint64_t{run.count} * kPageBytes;
    file.WriteAt(at, {memory.data() + uint64_t{run.first} * kPageBytes, bytes});
    at += bytes;
  }
  file.Publish();
}

TemplateInfo InspectSnapshot(const std::string& path) {
  const SnapshotReader reader(path);
  const std::vector<uint8_t> info = reader.ReadSection(reader.header().info, "info");
  return ReadInfo(ByteReader(info));
}

SnapshotContents ReadSnapshot(const std::string& path, const std::function<void(const TemplateInfo&)>& accept) {
  SnapshotContents contents;
  const SnapshotReader reader(path);
  const std::vector<uint8_t> info_bytes = reader.ReadSection(reader.header().info, "info");
  TemplateInfo& info = contents.info;
  info = ReadInfo(ByteReader(info_bytes));
  accept(info);
  if (info.memory_mb < kMinMemoryMb || info.memory_mb > kMaxMemoryMb || info.root_bytes % kPmemAlignment != 0 ||
      !info.layout().fits()) {
    Corrupt(path, "impossible memory sizes");
  }
  const std::vector<uint8_t> state_bytes = reader.ReadSection(reader.header().state, "state");
  ReadState(ByteReader(state_bytes), contents.vcpu, contents.devices);

  const std::vector<uint8_t> pages_bytes = reader.ReadSection(reader.header().pages, "pages");
  ByteReader pages(pages_bytes);
  const std::vector<StoredRun> runs = pages.Array<StoredRun>();
  contents.working_set = pages.Array<PageRun>();
  pages.ExpectEnd();
  const uint64_t all_pages = info.layout().total_bytes() / kPageBytes;
  for (const PageRun& run : contents.working_set) {
    if (run.count > all_pages || run.first > all_pages - run.count) {
      Corrupt(path, "the working set lies outside the guest's memory");
    }
  }

  contents.ram = LoadPages(reader, path, info.layout(), runs);
  return contents;
}

std::shared_ptr<Template> LoadSnapshot(const std::string& path, const std::string& root_image_path) {
  std::shared_ptr<const RootImage> root;
  SnapshotContents contents = ReadSnapshot(path, [&](const TemplateInfo& info) {
    CheckThisHost(path, info);
    root = RootImage::Open(root_image_path, info.root_digest);
    if (root->bytes() != info.root_bytes || root->crc() != info.root_crc) {
      Mismatch(path, "captured with another root image");
    }
  });
  if (contents.vcpu.xsave.size() != Kvm::Get().xsave_bytes()) {
    Mismatch(path, "captured with another size of vector state");
  }
  KeepHugeTextWhole(contents.ram.get(), contents.info.layout(), *root, contents.vcpu.sregs);
  return std::make_shared<Template>(std::move(contents.info), std::move(contents.vcpu), contents.devices,
                                    std::move(contents.ram), std::move(root), GuestCpuid(),
                                    std::move(contents.working_set));
}

}  // namespace zb

// A template on disk: the same after a round through it, and refused when it is not what was written.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>

#include "engine/cells.h"
#include "machine/crc32c.h"
#include "machine/long_mode.h"
#include "template/snapshot_file.h"

namespace zb::test {
namespace {

// The header's fields as template/snapshot_file.h tells them, by offset: the tests read the format by themselves.
constexpr uint64_t kVersionAt = 8;
constexpr uint64_t kAbiAt = 12;
constexpr uint64_t kInfoAt = 16;  // three sections {u64 offset, u64 bytes, u32 crc, u32 reserved}: info, state, pages
constexpr uint64_t kStateAt = 40;
constexpr uint64_t kPagesAt = 64;
constexpr uint64_t kDataAt = 88;  // u64 offset, u64 bytes
constexpr uint64_t kHeaderCrcAt = 108;
constexpr uint64_t kHeaderBytes = 112;
constexpr uint64_t kSectionCrc = 16;  // within a section

class TemporaryFolder {
 public:
  TemporaryFolder() {
    const char* base = std::getenv("TMPDIR");
    path_ = std::string(base != nullptr ? base : "/tmp") + "/zeroboot-engine-tests-XXXXXX";
    Check(::mkdtemp(path_.data()) != nullptr, "no temporary folder ", path_);
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::string operator/(const char* name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// A saved template that can be edited in place and put right again.
class EditableFile {
 public:
  explicit EditableFile(const std::string& path) : path_(path), fd_(::open(path.c_str(), O_RDWR | O_CLOEXEC)) {
    Check(fd_.get() >= 0, "cannot open ", path);
    struct stat status {};
    Check(::fstat(fd_.get(), &status) == 0, "cannot stat ", path);
    size_ = static_cast<uint64_t>(status.st_size);
  }
  const std::string& path() const { return path_; }
  uint64_t size() const { return size_; }

  std::vector<uint8_t> Read(uint64_t offset, uint64_t bytes) const {
    std::vector<uint8_t> data(bytes);
    CheckEqual(::pread(fd_.get(), data.data(), bytes, static_cast<off_t>(offset)), static_cast<ssize_t>(bytes),
               Text("a read at ", offset));
    return data;
  }
  template <typename T>
  T Get(uint64_t offset) const {
    T value;
    std::memcpy(&value, Read(offset, sizeof(T)).data(), sizeof(T));
    return value;
  }
  void Write(uint64_t offset, std::span<const uint8_t> bytes) {
    CheckEqual(::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset)),
               static_cast<ssize_t>(bytes.size()), Text("a write at ", offset));
  }
  template <typename T>
  void Put(uint64_t offset, const T& value) {
    Write(offset, {reinterpret_cast<const uint8_t*>(&value), sizeof(T)});
  }
  void Truncate(uint64_t bytes) { Check(::ftruncate(fd_.get(), static_cast<off_t>(bytes)) == 0, "ftruncate"); }
  void Flip(uint64_t offset, uint8_t bits) { Put(offset, static_cast<uint8_t>(Get<uint8_t>(offset) ^ bits)); }

  // Makes the checksums say that an edited section, and the header, are as they should be.
  void Reseal(uint64_t section) {
    const auto bytes = Read(Get<uint64_t>(section), Get<uint64_t>(section + 8));
    Put(section + kSectionCrc, Crc32c(bytes));
    ResealHeader();
  }
  void ResealHeader() { Put(kHeaderCrcAt, Crc32c(Read(0, kHeaderCrcAt))); }

 private:
  std::string path_;
  UniqueFd fd_;
  uint64_t size_ = 0;
};

// The code LoadSnapshot refuses the file with, or "loaded".
std::string LoadOutcome(const std::string& path, const std::string& root) {
  try {
    (void)LoadSnapshot(path, root);
    return "loaded";
  } catch (const EngineError& error) {
    return ErrorCodeName(error.code());
  }
}

const char* const kCells[] = {
    "print(1 + 1)",
    "import sys; print(sys.version); print(sorted(sys.modules)[:50])",
    "import numpy as np\nnp.linspace(0, 1, 7).sum()",
    "1 / 0",
    "import os; print(os.uname(), os.getpid(), sorted(os.environ.items()))",
    "print(sorted(globals()))",
};

std::vector<std::string> Answers(const Context& context, const std::shared_ptr<const Template>& source) {
  Context other = context;
  other.source = source;
  Fork fork(other);
  std::vector<std::string> answers;
  for (const char* cell : kCells) answers.push_back(Summary(fork.Run(cell)));
  return answers;
}

}  // namespace

ENGINE_TEST(snapshot_reload_gives_the_same) {
  const TemporaryFolder folder;
  const std::string path = folder / "template";
  auto start = Clock::now();
  SaveSnapshot(*context.source, path);
  const double saved = MillisecondsSince(start);
  start = Clock::now();
  const std::shared_ptr<const Template> loaded = LoadSnapshot(path, context.options.root_image_path);
  const double loading = MillisecondsSince(start);
  const auto expected = Answers(context, context.source);
  const auto actual = Answers(context, loaded);
  for (size_t i = 0; i < expected.size(); i++) CheckEqual(actual[i], expected[i], Text("the answer of ", kCells[i]));
  CheckEqual(InspectSnapshot(path).runtime, context.source->info().runtime, "the runtime in the file");
  CheckEqual(loaded->working_set().size(), context.source->working_set().size(), "the runs of the working set");

  // A template made of a loaded one is the same file: nothing is lost on the way.
  const std::string again = folder / "again";
  SaveSnapshot(*loaded, again);
  const EditableFile first(path), second(again);
  CheckEqual(second.size(), first.size(), "the size of the file saved again");
  for (uint64_t at = 0; at < first.size(); at += kMiB) {
    const uint64_t bytes = std::min(kMiB, first.size() - at);
    Check(first.Read(at, bytes) == second.Read(at, bytes), "the file saved again differs in the mebibyte at ", at);
  }
  CheckEqual(LoadOutcome(folder / "missing", context.options.root_image_path), "template_missing", "no file");
  return Text(first.size() / kMiB, " MiB saved in ", saved, " ms, loaded in ", loading, " ms, ", expected.size(),
              " cells answer the same");
}

ENGINE_TEST(snapshot_damage_is_found) {
  const TemporaryFolder folder;
  const std::string path = folder / "template", root = context.options.root_image_path;
  SaveSnapshot(*context.source, path);
  EditableFile file(path);
  const auto data_at = file.Get<uint64_t>(kDataAt);

  // Every byte of the header, the sections in steps, the pages at the ends and between, and what pads them.
  std::vector<uint64_t> offsets;
  for (uint64_t at = 0; at < kHeaderBytes; at++) offsets.push_back(at);
  for (const uint64_t section : {kInfoAt, kStateAt, kPagesAt}) {
    const auto start = file.Get<uint64_t>(section), bytes = file.Get<uint64_t>(section + 8);
    for (uint64_t i = 0; i < 16; i++) offsets.push_back(start + bytes * i / 16);
    offsets.push_back(start + bytes - 1);
  }
  for (uint64_t i = 0; i < 8; i++) offsets.push_back(data_at + (file.size() - data_at) * i / 8 + i);
  offsets.push_back(file.size() - 1);
  for (const uint64_t padding : {kHeaderBytes, kPageBytes - 1, data_at - 1}) offsets.push_back(padding);

  for (const uint64_t at : offsets) {
    file.Flip(at, 0x10);
    // A file of another format version has a header of another shape: nothing in it can be checked.
    const bool version = at >= kVersionAt && at < kAbiAt;
    CheckEqual(LoadOutcome(path, root), version ? "template_mismatch" : "template_corrupt",
               Text("the load with byte ", at, " of ", file.size(), " flipped"));
    file.Flip(at, 0x10);
  }

  std::vector<uint64_t> sizes = {0, 1, kHeaderBytes, kPageBytes - 1, kPageBytes, data_at, data_at + 1};
  for (uint64_t i = 1; i < 4; i++) sizes.push_back(file.size() * i / 4);
  sizes.push_back(file.size() - 1);
  const std::string cut = folder / "cut";
  for (const uint64_t bytes : sizes) {
    std::filesystem::copy_file(path, cut, std::filesystem::copy_options::overwrite_existing);
    EditableFile(cut).Truncate(bytes);
    CheckEqual(LoadOutcome(cut, root), "template_corrupt", Text("the load of a file cut to ", bytes, " bytes"));
  }
  std::filesystem::copy_file(path, cut, std::filesystem::copy_options::overwrite_existing);
  EditableFile(cut).Truncate(file.size() + 1);
  CheckEqual(LoadOutcome(cut, root), "template_corrupt", "the load of a file with a byte more");
  CheckEqual(LoadOutcome(path, root), "loaded", "the file put right again");
  return Text(offsets.size(), " flipped bytes and ", sizes.size() + 1, " wrong lengths, all refused");
}

ENGINE_TEST(snapshot_of_elsewhere_is_refused) {
  const TemporaryFolder folder;
  const std::string path = folder / "template", root = context.options.root_image_path;
  SaveSnapshot(*context.source, path);
  EditableFile file(path);
  const auto info_at = file.Get<uint64_t>(kInfoAt);
  const std::vector<uint8_t> header = file.Read(0, kHeaderBytes);
  const std::vector<uint8_t> info = file.Read(info_at, file.Get<uint64_t>(kInfoAt + 8));
  const auto refused = [&](const std::string& what) {
    CheckEqual(LoadOutcome(path, root), "template_mismatch", "the load of a template with " + what);
    file.Write(0, header);
    file.Write(info_at, info);
  };

  file.Put(kAbiAt, kEngineAbi + 1);
  file.ResealHeader();
  refused("another engine ABI");
  file.Put(kVersionAt, uint32_t{99});
  file.ResealHeader();
  refused("another format version");

  // Whole and well-formed, but of another machine: only what it says of its origin differs.
  const auto edit_text = [&](const std::string& text, const std::string& what) {
    const auto at = std::search(info.begin(), info.end(), text.begin(), text.end());
    Check(!text.empty() && at != info.end(), "no ", what, " in the info section");
    const auto offset = info_at + static_cast<uint64_t>(at - info.begin());
    file.Put(offset, static_cast<uint8_t>(text[0] ^ 1));
    file.Reseal(kInfoAt);
    refused("another " + what);
  };
  edit_text(context.source->info().cpu_digest, "CPU digest");
  edit_text(context.source->info().host_kind, "host kind");

  const auto khz = context.source->info().tsc_khz;
  std::vector<uint8_t> needle(sizeof(khz));
  std::memcpy(needle.data(), &khz, sizeof(khz));
  const auto at = std::search(info.begin(), info.end(), needle.begin(), needle.end());
  Check(at != info.end(), "no TSC frequency in the info section");
  file.Put(info_at + static_cast<uint64_t>(at - info.begin()), khz + khz / 1000);
  file.Reseal(kInfoAt);
  refused("a TSC that is 0.1 % faster");

  // Another root image, of another size.
  const std::string other_root = folder / "root";
  std::filesystem::copy_file(root, other_root);
  std::filesystem::resize_file(other_root, std::filesystem::file_size(root) + 2 * kPmemAlignment);
  CheckEqual(LoadOutcome(path, other_root), "template_mismatch", "the load with a longer root image");
  // And one of the same size in which a byte differs.
  const std::string edited_root = folder / "edited";
  std::filesystem::copy_file(root, edited_root);
  EditableFile(edited_root).Flip(std::filesystem::file_size(root) / 2, 0x01);
  CheckEqual(LoadOutcome(path, edited_root), "template_mismatch", "the load with an edited root image");
  CheckEqual(LoadOutcome(path, root), "loaded", "the file as it was");
  return "another ABI, format, CPU, host kind, TSC and root image: template_mismatch each";
}

// A vCPU is given the MSRs it does not begin with, and has all of the template's then.
ENGINE_TEST(snapshot_msrs_are_all_restored) {
  const Template& source = *context.source;
  Vm vm;
  vm.CreateSplitIrqchip();
  Vcpu vcpu(vm);
  SetCpuid(vcpu, source.cpuid());
  RestoreVcpuState(vm, vcpu, source.vcpu(), source.msrs_to_restore());
  const auto read = [&] {
    std::map<uint32_t, uint64_t> values;
    for (const kvm_msr_entry& entry : CaptureVcpuState(vm, vcpu).msrs) values[entry.index] = entry.data;
    return values;
  };
  std::map<uint32_t, uint64_t> restored = read(), again = read();
  for (const kvm_msr_entry& entry : source.vcpu().msrs) {
    Check(restored.contains(entry.index), "MSR ", entry.index, " cannot be read any more");
    // Some are clocks (HV_X64_MSR_TIME_REF_COUNT).
    const bool moves = restored[entry.index] != again[entry.index];
    if (moves || NeedsNoWriting(entry.index)) continue;
    CheckEqual(restored[entry.index], entry.data, Text("MSR ", entry.index));
  }
  return Text(source.vcpu().msrs.size(), " MSRs, of which ", source.msrs_to_restore().size(), " had to be written");
}

}  // namespace zb::test

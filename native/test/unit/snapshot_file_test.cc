#include "template/snapshot_file.h"

#include <sys/stat.h>

#include <random>

#include "fixtures.h"
#include "harness.h"

namespace zb {
namespace {

using test::kSmallLayout;
using test::TemporaryFolder;

// A template that never ran: every page of it is known, but for a stray one if asked for.
std::shared_ptr<Template> SmallTemplate(uint64_t stray_gpa = 0) {
  TemplateInfo info;
  info.label = "a label";
  info.runtime = "CPython 3.11.2";
  info.kernel_digest = "kernel";
  info.root_digest = "root";
  info.root_crc = 0x1234;
  info.cpu_digest = "cpu";
  info.host_kind = "hardware";
  info.tsc_khz = 2'000'000;
  info.touched_end = 40 * kMiB;
  info.memory_mb = kMinMemoryMb;
  info.root_bytes = kSmallLayout.root_bytes;
  info.symbols.total_forks = 0x1b7ea10;
  info.stored_pages = 3;
  info.captured_at_ms = 1'700'000'000'000;
  info.boot_ms = 9000;
  VcpuState vcpu;
  vcpu.regs.rip = 0xffffffff81000000;
  vcpu.xsave.assign(4096, 0x11);
  vcpu.msrs = {{.index = 0xc0000082, .reserved = 0, .data = 42}};
  vcpu.tsc = 1;
  vcpu.tsc_deadline = 2;
  vcpu.clock_ns = 3;
  DeviceState devices;
  devices.com1.ier = 5;
  devices.ioapic.redirection[4] = 0x24;
  devices.link.ready = 1;
  devices.pci_address = 0x80000000;
  UniqueFd ram = CreateMemfd("zeroboot-test", kSmallLayout.total_bytes());
  {
    const Mapping memory(kSmallLayout.total_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, ram.get());
    memory.data()[0] = 1;
    memory.data()[100 * kPageBytes + 7] = 2;
    memory.data()[101 * kPageBytes] = 3;
    memory.data()[stray_gpa] = 1;
  }
  SealMemfd(ram.get());
  return std::make_shared<Template>(std::move(info), std::move(vcpu), devices, std::move(ram), test::EmptyRoot(),
                                    std::vector<kvm_cpuid_entry2>{}, std::vector<PageRun>{{.first = 100, .count = 2}});
}

// The folder, and the bytes of a good snapshot.
struct Saved {
  TemporaryFolder folder;
  std::string path = folder.File("template");
  std::vector<uint8_t> bytes;

  Saved() {
    SaveSnapshot(*SmallTemplate(), path);
    bytes = test::ReadWhole(path);
  }
  // What reading it comes to with `edited` in its place: an error's name, or "whole".
  std::string Outcome(const std::vector<uint8_t>& edited) const {
    const std::string file = folder.Write("edited", edited);
    try {
      ReadSnapshot(file);
      return "whole";
    } catch (const EngineError& error) {
      return ErrorCodeName(error.code());
    }
  }
};

TEST(snapshot_reads_back_what_was_saved) {
  const Saved saved;
  const SnapshotContents contents = ReadSnapshot(saved.path);
  EXPECT_EQ(contents.info.label, "a label");
  EXPECT_EQ(contents.info.root_crc, 0x1234);
  EXPECT_EQ(contents.info.symbols.total_forks, 0x1b7ea10);
  EXPECT_EQ(contents.info.captured_at_ms, 1'700'000'000'000);
  EXPECT_EQ(contents.info.working_set_pages, 2);
  EXPECT_EQ(contents.info.layout().touched_end, 40 * kMiB);
  EXPECT_EQ(contents.vcpu.regs.rip, 0xffffffff81000000);
  EXPECT_EQ(contents.vcpu.xsave.size(), 4096);
  EXPECT_EQ(contents.vcpu.msrs.size(), 1);
  EXPECT_EQ(contents.vcpu.msrs[0].data, 42);
  EXPECT_EQ(contents.vcpu.tsc_deadline, 2);
  EXPECT_EQ(contents.devices.com1.ier, 5);
  EXPECT_EQ(contents.devices.ioapic.redirection[4], 0x24);
  EXPECT_EQ(contents.devices.link.ready, 1);
  EXPECT_EQ(contents.devices.pci_address, 0x80000000);
  EXPECT_EQ(contents.working_set.size(), 1);
  EXPECT_EQ(contents.working_set[0].first, 100);
  const Mapping memory(kSmallLayout.total_bytes(), PROT_READ, MAP_SHARED, contents.ram.get());
  EXPECT_EQ(memory.data()[0], 1);
  EXPECT_EQ(memory.data()[100 * kPageBytes + 7], 2);
  EXPECT_EQ(memory.data()[101 * kPageBytes], 3);
  EXPECT_EQ(memory.data()[102 * kPageBytes], 0);
}

TEST(snapshot_stores_only_pages_with_content) {
  const Saved saved;
  EXPECT(saved.bytes.size() < 10 * kPageBytes);
  EXPECT_EQ(saved.bytes.size() % kPageBytes, 0);
}

TEST(snapshot_has_no_page_where_the_root_image_is) {
  const TemporaryFolder folder;
  const std::string path = folder.File("template");
  SaveSnapshot(*SmallTemplate(kSmallLayout.root_gpa()), path);
  EXPECT_ERROR(ErrorCode::kTemplateCorrupt, ReadSnapshot(path));
}

TEST(snapshot_memory_is_sealed) {
  const Saved saved;
  const SnapshotContents contents = ReadSnapshot(saved.path);
  EXPECT_EQ(::pwrite(contents.ram.get(), "x", 1, 0), -1);
}

TEST(snapshot_inspects_without_its_pages) {
  const Saved saved;
  EXPECT_EQ(InspectSnapshot(saved.path).runtime, "CPython 3.11.2");
}

TEST(snapshot_asks_whether_to_go_on) {
  const Saved saved;
  EXPECT_ERROR(ErrorCode::kTemplateMismatch, ReadSnapshot(saved.path, [](const TemplateInfo&) {
                 throw EngineError(ErrorCode::kTemplateMismatch, "not here");
               }));
}

TEST(snapshot_is_published_whole_and_alone) {
  const Saved saved;
  EXPECT_EQ(saved.folder.Names().size(), 1);
  struct stat status {};
  EXPECT_EQ(::stat(saved.path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600);
  // A failed save leaves the file as it was, and nothing beside it.
  EXPECT_ERROR(ErrorCode::kIoFailed, SaveSnapshot(*SmallTemplate(), saved.folder.File("absent/template")));
  EXPECT_ERROR(ErrorCode::kIoFailed, SaveSnapshot(*SmallTemplate(), saved.folder.path()));
  EXPECT_EQ(saved.folder.Names().size(), 1);
}

TEST(snapshot_that_is_none) {
  const TemporaryFolder folder;
  EXPECT_ERROR(ErrorCode::kTemplateMissing, ReadSnapshot(folder.File("absent")));
  EXPECT_ERROR(ErrorCode::kTemplateCorrupt, ReadSnapshot(folder.path()));
  EXPECT_ERROR(ErrorCode::kTemplateCorrupt, ReadSnapshot(folder.Write("empty", {})));
  EXPECT_ERROR(ErrorCode::kTemplateCorrupt, ReadSnapshot(folder.Write("zeroes", std::vector<uint8_t>(100'000))));
}

TEST(snapshot_that_is_a_fifo_does_not_block) {
  const TemporaryFolder folder;
  const std::string path = folder.File("fifo");
  EXPECT(::mkfifo(path.c_str(), 0600) == 0);
  EXPECT_ERROR(ErrorCode::kTemplateCorrupt, ReadSnapshot(path));
}

TEST(snapshot_of_another_format_is_a_mismatch) {
  Saved saved;
  saved.bytes[8]++;
  EXPECT_EQ(saved.Outcome(saved.bytes), "template_mismatch");
}

TEST(snapshot_truncated_anywhere_is_refused) {
  const Saved saved;
  for (size_t bytes = 0; bytes < saved.bytes.size(); bytes += bytes % 512 == 0 ? 511 : 1) {
    const std::string outcome =
        saved.Outcome({saved.bytes.begin(), saved.bytes.begin() + static_cast<ptrdiff_t>(bytes)});
    if (outcome != "template_corrupt") EXPECT_EQ(std::to_string(bytes) + " " + outcome, "template_corrupt");
  }
  // Also when only inspected: the header alone tells how long the file is.
  EXPECT_ERROR(ErrorCode::kTemplateCorrupt, InspectSnapshot(saved.folder.Write(
                                                "cut", std::span(saved.bytes).first(saved.bytes.size() - kPageBytes))));
}

TEST(snapshot_longer_than_its_content_is_refused) {
  const Saved saved;
  for (const size_t more : {size_t{1}, size_t{kPageBytes}}) {
    std::vector<uint8_t> longer = saved.bytes;
    longer.resize(longer.size() + more);
    EXPECT_EQ(saved.Outcome(longer), "template_corrupt");
  }
}

TEST(snapshot_with_any_byte_changed_is_refused) {
  const Saved saved;
  std::mt19937 random(31);
  std::vector<uint8_t> edited = saved.bytes;
  EXPECT_EQ(saved.Outcome(edited), "whole");
  for (size_t at = 0; at < edited.size(); at++) {
    const uint8_t good = edited[at];
    edited[at] ^= static_cast<uint8_t>(1u << (random() % 8));
    // The version is read first, so that a newer format says so.
    const bool version = at >= 8 && at < 12;
    const std::string outcome = saved.Outcome(edited);
    const std::string wanted = version ? "template_mismatch" : "template_corrupt";
    if (outcome != wanted) EXPECT_EQ(std::to_string(at) + " " + outcome, wanted);
    edited[at] = good;
  }
}

TEST(snapshot_survives_random_edits) {
  const Saved saved;
  std::mt19937 random(1);
  for (int round = 0; round < 2000; round++) {
    std::vector<uint8_t> edited = saved.bytes;
    if (random() % 2 == 0) edited.resize(random() % (2 * edited.size()));
    for (size_t edits = 1 + random() % 16; edits > 0 && !edited.empty(); edits--) {
      edited[random() % std::min<size_t>(edited.size(), random() % 2 == 0 ? 128 : edited.size())] ^=
          static_cast<uint8_t>(1 + random() % 255);
    }
    if (edited == saved.bytes) continue;
    EXPECT(saved.Outcome(edited) != "whole");
  }
}

}  // namespace
}  // namespace zb

#include "machine/kernel_image.h"

#include <elf.h>

#include <cstring>
#include <random>

#include "fixtures.h"
#include "harness.h"

namespace zb {
namespace {

using test::TemporaryFolder;
using test::TestMemory;

constexpr uint64_t kLoadGpa = 0x1000000;
constexpr uint64_t kLinkAddress = 0xffffffff81000000;

struct Elf {
  Elf64_Ehdr header{};
  Elf64_Phdr segment{};
  std::vector<uint8_t> content = std::vector<uint8_t>(2048, 0x90);

  Elf() {
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_type = ET_EXEC;
    header.e_machine = EM_X86_64;
    header.e_entry = kLoadGpa + 0x10;
    header.e_phoff = sizeof(header);
    header.e_phentsize = sizeof(segment);
    header.e_phnum = 1;
    segment.p_type = PT_LOAD;
    segment.p_offset = sizeof(header) + sizeof(segment);
    segment.p_vaddr = kLinkAddress;
    segment.p_paddr = kLoadGpa;
    segment.p_filesz = content.size();
    segment.p_memsz = content.size() + 0x1000;
  }
  std::vector<uint8_t> File() const {
    std::vector<uint8_t> file(sizeof(header) + sizeof(segment) + content.size());
    std::memcpy(file.data(), &header, sizeof(header));
    std::memcpy(file.data() + sizeof(header), &segment, sizeof(segment));
    std::memcpy(file.data() + sizeof(header) + sizeof(segment), content.data(), content.size());
    return file;
  }
};

// Documentation/x86/boot.rst
std::vector<uint8_t> BzImage(uint8_t setup_sectors = 1, uint32_t init_size = 0x10000) {
  std::vector<uint8_t> file((setup_sectors == 0 ? 5 : setup_sectors + 1) * 512 + 1000, 0x90);
  std::fill(file.begin(), file.begin() + 1024, 0);
  const auto put = [&file](size_t offset, auto value) { std::memcpy(file.data() + offset, &value, sizeof(value)); };
  put(0x1f1, setup_sectors);
  std::memcpy(file.data() + 0x202, "HdrS", 4);
  put(0x206, uint16_t{0x020f});
  put(0x236, uint16_t{1});
  put(0x260, init_size);
  return file;
}

LoadedKernel Load(const std::vector<uint8_t>& file) {
  const TemporaryFolder folder;
  TestMemory memory;
  return LoadKernel(folder.Write("kernel", file), memory.get());
}
void ExpectInvalid(int line, const std::vector<uint8_t>& file) {
  test::ExpectError(__FILE__, line, ErrorCode::kKernelInvalid, [&] { Load(file); });
}

TEST(kernel_elf_is_loaded_where_it_says) {
  const TemporaryFolder folder;
  TestMemory memory;
  Elf elf;
  elf.content[5] = 0x42;
  const LoadedKernel kernel = LoadKernel(folder.Write("vmlinux", elf.File()), memory.get());
  EXPECT_EQ(kernel.entry, kLoadGpa + 0x10);
  EXPECT_EQ(kernel.entry_virtual, kLinkAddress + 0x10);
  EXPECT(!kernel.is_bzimage);
  EXPECT_EQ(memory.get().Load<uint8_t>(kLoadGpa + 5), std::optional<uint8_t>(0x42));
}

TEST(kernel_bzimage_is_loaded_above_its_setup_code) {
  const TemporaryFolder folder;
  TestMemory memory;
  // 0 sectors means 4, for reasons older than most of us.
  for (const uint8_t sectors : {uint8_t{1}, uint8_t{0}}) {
    const LoadedKernel kernel = LoadKernel(folder.Write("bzImage", BzImage(sectors)), memory.get());
    EXPECT(kernel.is_bzimage);
    EXPECT_EQ(kernel.entry, kLoadGpa + 0x200);
    EXPECT_EQ(kernel.setup_header.size(), 0x268 - 0x1f1);
    EXPECT_EQ(memory.get().Load<uint8_t>(kLoadGpa), std::optional<uint8_t>(0x90));
  }
}

TEST(kernel_must_be_a_kernel) {
  TestMemory memory;
  EXPECT_ERROR(ErrorCode::kKernelInvalid, LoadKernel("/nonexistent/kernel", memory.get()));
  EXPECT_ERROR(ErrorCode::kKernelInvalid, LoadKernel("/", memory.get()));
  ExpectInvalid(__LINE__, {});
  ExpectInvalid(__LINE__, std::vector<uint8_t>(1023));
  ExpectInvalid(__LINE__, std::vector<uint8_t>(100'000, 0x7f));
}

TEST(kernel_elf_must_be_a_64_bit_executable) {
  Elf elf;
  elf.header.e_ident[EI_CLASS] = ELFCLASS32;
  ExpectInvalid(__LINE__, elf.File());
  elf = Elf();
  elf.header.e_machine = EM_AARCH64;
  ExpectInvalid(__LINE__, elf.File());
  elf = Elf();
  elf.header.e_type = ET_DYN;
  ExpectInvalid(__LINE__, elf.File());
  elf = Elf();
  elf.header.e_phentsize = 1;
  ExpectInvalid(__LINE__, elf.File());
}

TEST(kernel_elf_segments_must_lie_in_the_file) {
  for (const uint64_t offset : {uint64_t{2300}, uint64_t{1} << 40, UINT64_MAX - 100, UINT64_MAX}) {
    Elf elf;
    elf.segment.p_offset = offset;
    ExpectInvalid(__LINE__, elf.File());
    elf = Elf();
    elf.header.e_phoff = offset;
    ExpectInvalid(__LINE__, elf.File());
  }
  Elf elf;
  elf.segment.p_filesz = elf.segment.p_memsz = 1 << 20;
  ExpectInvalid(__LINE__, elf.File());
  elf = Elf();
  elf.header.e_phnum = 0xffff;
  ExpectInvalid(__LINE__, elf.File());
}

TEST(kernel_elf_segments_must_lie_in_ram) {
  // Below a megabyte is the boot protocol's, above RAM the ring's.
  for (const uint64_t gpa : {uint64_t{0}, uint64_t{0x9000}, kHighMemoryGpa - 1, test::kSmallLayout.ram_bytes - 100,
                             test::kSmallLayout.ram_bytes, UINT64_MAX - 100, UINT64_MAX}) {
    Elf elf;
    elf.segment.p_paddr = gpa;
    elf.header.e_entry = gpa;
    ExpectInvalid(__LINE__, elf.File());
  }
  for (const uint64_t bytes : {uint64_t{1} << 40, UINT64_MAX}) {
    Elf elf;
    elf.segment.p_memsz = bytes;
    ExpectInvalid(__LINE__, elf.File());
  }
  Elf elf;
  elf.segment.p_memsz = elf.segment.p_filesz - 1;
  ExpectInvalid(__LINE__, elf.File());
}

TEST(kernel_elf_must_hold_its_entry_point) {
  for (const uint64_t entry : {uint64_t{0}, kLoadGpa - 1, kLoadGpa + 0x1800, UINT64_MAX}) {
    Elf elf;
    elf.header.e_entry = entry;
    ExpectInvalid(__LINE__, elf.File());
  }
  Elf elf;
  elf.header.e_phnum = 0;
  ExpectInvalid(__LINE__, elf.File());
  elf = Elf();
  elf.segment.p_type = PT_NOTE;
  ExpectInvalid(__LINE__, elf.File());
}

TEST(kernel_bzimage_must_have_a_64_bit_entry_and_a_payload) {
  std::vector<uint8_t> file = BzImage();
  file[0x206] = 0x0b;
  ExpectInvalid(__LINE__, file);
  file = BzImage();
  file[0x236] = 0;
  ExpectInvalid(__LINE__, file);
  file = BzImage();
  file[0x1f1] = 255;
  ExpectInvalid(__LINE__, file);
  ExpectInvalid(__LINE__, BzImage(1, 0xffffffff));
}

TEST(kernel_truncated_anywhere_is_refused) {
  for (const std::vector<uint8_t>& whole : {Elf().File(), BzImage()}) {
    for (size_t bytes = 0; bytes <= 1024; bytes += 61) {
      ExpectInvalid(__LINE__, {whole.begin(), whole.begin() + static_cast<ptrdiff_t>(bytes)});
    }
  }
  std::vector<uint8_t> elf = Elf().File();
  elf.pop_back();
  ExpectInvalid(__LINE__, elf);
}

TEST(kernel_survives_random_headers) {
  std::mt19937 random(4711);
  const TemporaryFolder folder;
  TestMemory memory;
  for (int round = 0; round < 2000; round++) {
    std::vector<uint8_t> file = round % 2 == 0 ? Elf().File() : BzImage();
    const size_t header_end = round % 2 == 0 ? sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr) : 0x268;
    const size_t header_start = round % 2 == 0 ? 4 : 0x1f1;
    for (int edits = 0; edits < 4; edits++) {
      file[header_start + random() % (header_end - header_start)] = static_cast<uint8_t>(random());
    }
    try {
      LoadKernel(folder.Write("kernel", file), memory.get());
    } catch (const EngineError& error) {
      EXPECT_EQ(error.code(), ErrorCode::kKernelInvalid);
    }
  }
}

}  // namespace
}  // namespace zb

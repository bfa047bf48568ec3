#include "machine/guest_memory.h"

#include <fcntl.h>

#include <memory>
#include <vector>

#include "fixtures.h"
#include "harness.h"

namespace zb {
namespace {

using test::kSmallLayout;
using test::TestMemory;

// The least that passes for an EROFS image.
std::vector<uint8_t> Erofs(size_t bytes) {
  std::vector<uint8_t> image(bytes);
  constexpr uint32_t kMagic = 0xe0f5e1e2;
  std::memcpy(image.data() + 1024, &kMagic, sizeof(kMagic));
  return image;
}

// With RAM on both sides of the root image.
constexpr MemoryLayout kTallLayout{.ram_bytes = 100 * kMiB, .root_bytes = kPmemAlignment};

TEST(guest_memory_answers_for_all_but_the_root_image) {
  const auto root = test::EmptyRoot();
  const UniqueFd ram = CreateMemfd("zeroboot-test", kTallLayout.total_bytes());
  const GuestMemory memory(kTallLayout, ram.get(), *root, MemorySharing::kShared);
  EXPECT(memory.At(0, kTallLayout.root_gpa()).has_value());
  EXPECT(!memory.At(kTallLayout.root_gpa() - 3, 4));
  EXPECT(!memory.At(kTallLayout.root_gpa(), 1));
  EXPECT(!memory.At(0, kTallLayout.root_gpa() + 1));
  EXPECT_EQ(memory.At(kTallLayout.high_gpa(), 36 * kMiB)->data(), memory.base() + kTallLayout.high_gpa());
  EXPECT(!memory.At(kTallLayout.total_bytes() - 3, 4));
  uint64_t all = 0;
  for (const std::span<uint8_t> range : memory.Private()) {
    EXPECT(memory.At(static_cast<uint64_t>(range.data() - memory.base()), range.size()).has_value());
    all += range.size();
  }
  EXPECT_EQ(all, kTallLayout.total_bytes() - kTallLayout.root_bytes);
}

TEST(guest_memory_lies_where_huge_pages_can) {
  const auto root = test::EmptyRoot();
  const UniqueFd ram = CreateMemfd("zeroboot-test", kTallLayout.total_bytes());
  std::vector<std::unique_ptr<GuestMemory>> memories;
  for (int i = 0; i < 50; i++) {
    memories.push_back(std::make_unique<GuestMemory>(kTallLayout, ram.get(), *root, MemorySharing::kPrivate));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(memories.back()->base()) % kHugePageBytes, 0);
  }
}

TEST(guest_memory_is_not_fooled_by_addresses_that_wrap) {
  TestMemory memory;
  EXPECT(!memory.get().At(UINT64_MAX, 1));
  EXPECT(!memory.get().At(UINT64_MAX - 3, 8));
  EXPECT(!memory.get().At(8, UINT64_MAX));
  EXPECT(!memory.get().Load<uint64_t>(UINT64_MAX - 7));
  EXPECT(!memory.get().Store<uint64_t>(UINT64_MAX - 7, 1));
}

TEST(guest_memory_refuses_a_root_image_that_reaches_the_devices) {
  // The link's registers would be memory, and the agent would find no link.
  const MemoryLayout full{.ram_bytes = kMaxMemoryMb * kMiB, .root_bytes = 256 * kMiB};
  EXPECT(!full.fits());
  const MemoryLayout most{.ram_bytes = kMaxMemoryMb * kMiB, .root_bytes = 254 * kMiB};
  EXPECT(most.fits());
  EXPECT_EQ(most.total_bytes(), ZB_LINK_MMIO_GPA);
  const MemoryLayout wraps{.ram_bytes = 64 * kMiB, .root_bytes = UINT64_MAX - kMiB};
  EXPECT(!wraps.fits());
  const auto root = test::EmptyRoot();
  const UniqueFd ram = CreateMemfd("zeroboot-test", full.total_bytes());
  EXPECT_ERROR(ErrorCode::kRootInvalid, GuestMemory(full, ram.get(), *root, MemorySharing::kPrivate));
}

TEST(guest_memory_private_mappings_do_not_write_through) {
  const auto root = test::EmptyRoot();
  const UniqueFd ram = CreateMemfd("zeroboot-test", kSmallLayout.total_bytes());
  GuestMemory first(kSmallLayout, ram.get(), *root, MemorySharing::kPrivate);
  GuestMemory second(kSmallLayout, ram.get(), *root, MemorySharing::kPrivate);
  first.Store<uint32_t>(0x5000, 0xfeedface);
  EXPECT_EQ(first.Load<uint32_t>(0x5000), std::optional<uint32_t>(0xfeedface));
  EXPECT_EQ(second.Load<uint32_t>(0x5000), std::optional<uint32_t>(0));
}

TEST(memfd_sealed_takes_no_more_writes) {
  const UniqueFd fd = CreateMemfd("zeroboot-test", kPageBytes);
  EXPECT_EQ(::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  {
    const Mapping mapping(kPageBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get());
    EXPECT_ERROR(ErrorCode::kIoFailed, SealMemfd(fd.get()));
  }
  SealMemfd(fd.get());
  EXPECT_EQ(::write(fd.get(), "x", 1), -1);
  EXPECT_EQ(::ftruncate(fd.get(), 2 * kPageBytes), -1);
}

TEST(root_image_is_copied_sealed_and_shared) {
  const test::TemporaryFolder folder;
  const std::string path = folder.Write("root.erofs", Erofs(10000));
  const auto image = RootImage::Open(path, "digest");
  EXPECT_EQ(image->bytes(), kPmemAlignment);
  EXPECT(image == RootImage::Open(path, "digest"));
  // The file's later fate is not the image's.
  folder.Write("root.erofs", {});
  const Mapping mapping(image->bytes(), PROT_READ, MAP_SHARED, image->fd());
  EXPECT_EQ(mapping.data()[1024], 0xe2);
}

TEST(root_image_knows_another_content) {
  const test::TemporaryFolder folder;
  std::vector<uint8_t> content = Erofs(10000);
  const uint32_t crc = RootImage::Open(folder.Write("a", content), "")->crc();
  EXPECT_EQ(RootImage::Open(folder.Write("b", content), "")->crc(), crc);
  content.back() ^= 1;
  EXPECT(RootImage::Open(folder.Write("c", content), "")->crc() != crc);
}

TEST(root_image_refuses_what_is_none) {
  const test::TemporaryFolder folder;
  EXPECT_ERROR(ErrorCode::kRootInvalid, RootImage::Open(folder.File("absent"), ""));
  EXPECT_ERROR(ErrorCode::kRootInvalid, RootImage::Open(folder.Write("empty", {}), ""));
  EXPECT_ERROR(ErrorCode::kRootInvalid, RootImage::Open(folder.Write("zeroes", std::vector<uint8_t>(10000)), ""));
}

}  // namespace
}  // namespace zb

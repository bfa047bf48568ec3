#include "machine/guest_memory.h"

#include <fcntl.h>

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

TEST(guest_memory_answers_for_ram_and_ring_only) {
  TestMemory memory;
  const uint64_t end = kSmallLayout.private_bytes();
  EXPECT(memory.get().At(0, end).has_value());
  EXPECT(memory.get().At(end, 0).has_value());
  EXPECT(!memory.get().At(end, 1));
  EXPECT(!memory.get().At(end - 3, 4));
  EXPECT(!memory.get().At(kSmallLayout.root_gpa(), 1));
  EXPECT(!memory.get().At(0, end + 1));
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
  const UniqueFd ram = CreateMemfd("zeroboot-test", full.private_bytes());
  EXPECT_ERROR(ErrorCode::kRootInvalid, GuestMemory(full, ram.get(), *root, MemorySharing::kPrivate));
}

TEST(guest_memory_private_mappings_do_not_write_through) {
  const auto root = test::EmptyRoot();
  const UniqueFd ram = CreateMemfd("zeroboot-test", kSmallLayout.private_bytes());
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

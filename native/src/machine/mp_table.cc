#include <cstdint>
#include <cstring>
#include <numeric>
#include <span>
#include <vector>

#include "machine/boot_params.h"

namespace zb {
namespace {

// Field layouts: Intel MultiProcessor Specification 1.4, chapter 4.
struct [[gnu::packed]] FloatingPointer {
  char signature[4] = {'_', 'M', 'P', '_'};
  uint32_t table = 0;
  uint8_t length = 1;  // of 16 bytes
  uint8_t revision = 4;
  uint8_t checksum = 0;
  uint8_t features[5] = {};
};
struct [[gnu::packed]] ConfigurationHeader {
  char signature[4] = {'P', 'C', 'M', 'P'};
  uint16_t length = 0;
  uint8_t revision = 4;
  uint8_t checksum = 0;
  char oem[8] = {'Z', 'E', 'R', 'O', 'B', 'O', 'O', 'T'};
  char product[12] = {'F', 'O', 'R', 'K', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' '};
  uint32_t oem_table = 0;
  uint16_t oem_bytes = 0;
  uint16_t entries = 0;
  uint32_t lapic = kLapicGpa;
  uint32_t extended = 0;
};
struct [[gnu::packed]] Processor {
  uint8_t type = 0;
  uint8_t apic_id = 0;
  uint8_t apic_version = 0x14;
  uint8_t flags = 3;  // enabled, boot processor
  uint32_t signature = 0x600;
  uint32_t features = 0x201;  // FPU, APIC
  uint32_t reserved[2] = {};
};
struct [[gnu::packed]] Bus {
  uint8_t type = 1;
  uint8_t id = 0;
  char name[6] = {'I', 'S', 'A', ' ', ' ', ' '};
};
struct [[gnu::packed]] Ioapic {
  uint8_t type = 2;
  uint8_t id = 1;
  uint8_t version = 0x11;
  uint8_t flags = 1;  // usable
  uint32_t address = kIoapicGpa;
};
struct [[gnu::packed]] Interrupt {
  uint8_t type = 3;
  uint8_t kind = 0;    // vectored by the IOAPIC
  uint16_t flags = 0;  // as the bus: ISA is edge, active high
  uint8_t bus = 0;
  uint8_t bus_irq = 0;
  uint8_t ioapic = 1;
  uint8_t pin = 0;
};
struct [[gnu::packed]] LocalInterrupt {
  uint8_t type = 4;
  uint8_t kind = 0;
  uint16_t flags = 0;
  uint8_t bus = 0;
  uint8_t bus_irq = 0;
  uint8_t lapic = 0xff;
  uint8_t pin = 0;
};
constexpr uint8_t kIsaIrqs = 16;
constexpr uint8_t kKindExtInt = 3;
constexpr uint8_t kKindNmi = 1;

uint8_t Checksum(std::span<const uint8_t> bytes) {
  return static_cast<uint8_t>(-std::accumulate(bytes.begin(), bytes.end(), 0));
}

template <typename T>
void Append(std::vector<uint8_t>& table, const T& entry) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(&entry);
  table.insert(table.end(), bytes, bytes + sizeof(T));
}

}  // namespace

void WriteMpTable(GuestMemory& memory) {
  std::vector<uint8_t> table;
  ConfigurationHeader header;
  Append(table, header);
  Append(table, Processor{});
  Append(table, Bus{});
  Append(table, Ioapic{});
  header.entries = 3;
  for (uint8_t irq = 0; irq < kIsaIrqs; irq++) {
    Interrupt interrupt;
    interrupt.bus_irq = irq;
    interrupt.pin = irq;
    Append(table, interrupt);
    header.entries++;
  }
  LocalInterrupt ext_int;
  ext_int.kind = kKindExtInt;
  ext_int.lapic = 0;
  Append(table, ext_int);
  LocalInterrupt nmi;
  nmi.kind = kKindNmi;
  nmi.pin = 1;
  Append(table, nmi);
  header.entries += 2;
  header.length = static_cast<uint16_t>(table.size());
  std::memcpy(table.data(), &header, sizeof(header));
  table[offsetof(ConfigurationHeader, checksum)] = Checksum(table);

  FloatingPointer pointer;
  pointer.table = static_cast<uint32_t>(kEbdaGpa + sizeof(FloatingPointer));
  pointer.checksum = Checksum({reinterpret_cast<const uint8_t*>(&pointer), sizeof(pointer)});
  memory.Store(kEbdaGpa, pointer);
  std::memcpy(memory.At(pointer.table, table.size())->data(), table.data(), table.size());
}

}  // namespace zb

import { open } from "node:fs/promises";

/** What the loader needs to know of an x86-64 ELF file, and where its contents belong in memory. */
export interface ElfFile {
  /** `ET_EXEC` (2) or `ET_DYN` (3). */
  type: number;
  machine: number;
  soname: string | undefined;
  needed: string[];
  /** Directories of DT_RPATH and DT_RUNPATH. */
  runPaths: string[];
  segments: { type: number; offset: number; virtual: bigint; physical: bigint; fileSize: number; memorySize: number }[];
  sections: { type: number; offset: number; size: number; link: number; entrySize: number }[];
}

export const EM_X86_64 = 62;
const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const SHT_SYMTAB = 2;
const DT_NEEDED = 1;
const DT_STRTAB = 5;
const DT_SONAME = 14;
const DT_RPATH = 15;
const DT_RUNPATH = 29;
/** Files larger than this are not read: nothing of ours comes near. */
const MAX_BYTES = 512 * 1024 * 1024;

/** The bytes of an ELF64 little-endian file, or undefined for any other file. */
export async function readElf(path: string): Promise<Buffer | undefined> {
  const file = await open(path, "r");
  try {
    const head = Buffer.alloc(64);
    const { bytesRead } = await file.read(head, 0, 64, 0);
    if (bytesRead < 64 || head.readUInt32BE(0) !== 0x7f454c46 || head[4] !== 2 || head[5] !== 1) return undefined;
    const { size } = await file.stat();
    if (size > MAX_BYTES) return undefined;
    return await readWhole(file, size);
  } finally {
    await file.close();
  }
}

async function readWhole(file: Awaited<ReturnType<typeof open>>, size: number): Promise<Buffer> {
  const bytes = Buffer.alloc(size);
  let at = 0;
  while (at < size) {
    const { bytesRead } = await file.read(bytes, at, size - at, at);
    if (bytesRead === 0) break;
    at += bytesRead;
  }
  return bytes;
}

/**
 * Parse headers and dynamic section.
 * @throws RangeError when the file is truncated or its tables lie outside it
 */
export function parseElf(bytes: Buffer): ElfFile {
  const u64 = (at: number): number => Number(bytes.readBigUInt64LE(at));
  const elf: ElfFile = {
    type: bytes.readUInt16LE(16),
    machine: bytes.readUInt16LE(18),
    soname: undefined,
    needed: [],
    runPaths: [],
    segments: [],
    sections: [],
  };
  const programAt = u64(32);
  const sectionAt = u64(40);
  for (let index = 0; index < bytes.readUInt16LE(56); index++) {
    const at = programAt + index * bytes.readUInt16LE(54);
    elf.segments.push({
      type: bytes.readUInt32LE(at),
      offset: u64(at + 8),
      virtual: bytes.readBigUInt64LE(at + 16),
      physical: bytes.readBigUInt64LE(at + 24),
      fileSize: u64(at + 32),
      memorySize: u64(at + 40),
    });
  }
  for (let index = 0; index < bytes.readUInt16LE(60); index++) {
    const at = sectionAt + index * bytes.readUInt16LE(58);
    elf.sections.push({
      type: bytes.readUInt32LE(at + 4),
      offset: u64(at + 24),
      size: u64(at + 32),
      link: bytes.readUInt32LE(at + 40),
      entrySize: u64(at + 56),
    });
  }
  parseDynamic(bytes, elf);
  return elf;
}

function parseDynamic(bytes: Buffer, elf: ElfFile): void {
  const dynamic = elf.segments.find((segment) => segment.type === PT_DYNAMIC);
  if (dynamic === undefined) return;
  const tags: [number, bigint][] = [];
  for (let at = dynamic.offset; at + 16 <= dynamic.offset + dynamic.fileSize; at += 16) {
    const tag = Number(bytes.readBigInt64LE(at));
    if (tag === 0) break;
    tags.push([tag, bytes.readBigUInt64LE(at + 8)]);
  }
  const stringsVirtual = tags.find(([tag]) => tag === DT_STRTAB)?.[1];
  const load = elf.segments.find(
    (segment) =>
      segment.type === PT_LOAD &&
      stringsVirtual !== undefined &&
      stringsVirtual >= segment.virtual &&
      stringsVirtual < segment.virtual + BigInt(segment.fileSize),
  );
  if (stringsVirtual === undefined || load === undefined) return;
  const strings = load.offset + Number(stringsVirtual - load.virtual);
  for (const [tag, value] of tags) {
    const text = (): string => cString(bytes, strings + Number(value));
    if (tag === DT_NEEDED) elf.needed.push(text());
    else if (tag === DT_SONAME) elf.soname = text();
    else if (tag === DT_RPATH || tag === DT_RUNPATH) elf.runPaths.push(...text().split(":"));
  }
}

/**
 * Guest-physical addresses of symbols, by the file's own load addresses. Symbols it lacks, or has
 * more than once, are left out.
 */
export function physicalAddresses(bytes: Buffer, elf: ElfFile, names: readonly string[]): Record<string, bigint> {
  const found: Record<string, bigint> = {};
  const ambiguous = new Set<string>();
  const table = elf.sections.find((section) => section.type === SHT_SYMTAB);
  const strings = table === undefined ? undefined : elf.sections[table.link];
  if (table === undefined || strings === undefined || table.entrySize !== 24) return found;
  const wanted = new Map(names.map((name) => [name, Buffer.from(`${name}\0`)]));
  for (let at = table.offset; at + 24 <= table.offset + table.size; at += 24) {
    const nameAt = strings.offset + bytes.readUInt32LE(at);
    for (const [name, pattern] of wanted) {
      if (bytes.compare(pattern, 0, pattern.length, nameAt, nameAt + pattern.length) !== 0) continue;
      const virtual = bytes.readBigUInt64LE(at + 8);
      const segment = elf.segments.find(
        (of) => of.type === PT_LOAD && virtual >= of.virtual && virtual < of.virtual + BigInt(of.memorySize),
      );
      if (segment === undefined) continue;
      if (name in found) ambiguous.add(name);
      found[name] = segment.physical + (virtual - segment.virtual);
    }
  }
  for (const name of ambiguous) delete found[name];
  return found;
}

function cString(bytes: Buffer, at: number): string {
  const end = bytes.indexOf(0, at);
  return bytes.toString("latin1", at, end === -1 ? bytes.length : end);
}

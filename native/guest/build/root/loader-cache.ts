import type { Library } from "./libraries.js";

const MAGIC = "glibc-ld.so.cache1.1";
const HEADER_BYTES = 48;
const ENTRY_BYTES = 24;
/** FLAG_ELF_LIBC6 | FLAG_X8664_LIB64 of glibc's ldconfig. */
const FLAGS_X86_64 = 0x0303;
/** The header's mark of little-endian contents. */
const LITTLE_ENDIAN = 2;

/**
 * The contents of `/etc/ld.so.cache` for an image, in the format of glibc 2.32 and later.
 *
 * Without it every library a guest's program loads is searched for in a dozen directories, one
 * system call each. `ldconfig -r` would write it, but has to chroot, which takes root.
 */
export function loaderCache(libraries: readonly Library[]): Buffer {
  // Sorted downwards by glibc's own comparison: the loader searches by bisection.
  const sorted = [...libraries].sort((a, b) => compareSonames(b.soname, a.soname));
  const stringsAt = HEADER_BYTES + sorted.length * ENTRY_BYTES;
  const header = Buffer.alloc(stringsAt);
  const strings: Buffer[] = [];
  let offset = stringsAt;
  const place = (text: string): number => {
    const bytes = Buffer.from(`${text}\0`, "latin1");
    strings.push(bytes);
    offset += bytes.length;
    return offset - bytes.length;
  };
  sorted.forEach((library, index) => {
    const at = HEADER_BYTES + index * ENTRY_BYTES;
    header.writeInt32LE(FLAGS_X86_64, at);
    header.writeUInt32LE(place(library.soname), at + 4);
    header.writeUInt32LE(place(library.path), at + 8);
  });
  header.write(MAGIC, 0, "latin1");
  header.writeUInt32LE(sorted.length, 20);
  header.writeUInt32LE(offset - stringsAt, 24);
  header.writeUInt8(LITTLE_ENDIAN, 28);
  return Buffer.concat([header, ...strings]);
}

/** glibc's `_dl_cache_libcmp`: runs of digits compare as numbers and follow everything else. */
export function compareSonames(a: string, b: string): number {
  const isDigit = (code: number): boolean => code >= 48 && code <= 57;
  let i = 0;
  let j = 0;
  while (i < a.length) {
    const x = a.charCodeAt(i);
    const y = j < b.length ? b.charCodeAt(j) : 0;
    if (isDigit(x) && isDigit(y)) {
      const left = /^\d+/.exec(a.slice(i))?.[0] ?? "";
      const right = /^\d+/.exec(b.slice(j))?.[0] ?? "";
      const difference = Number(left) - Number(right);
      if (difference !== 0) return difference;
      i += left.length;
      j += right.length;
    } else if (isDigit(x)) {
      return 1;
    } else if (isDigit(y)) {
      return -1;
    } else if (x !== y) {
      return x - y;
    } else {
      i++;
      j++;
    }
  }
  return j < b.length ? -b.charCodeAt(j) : 0;
}

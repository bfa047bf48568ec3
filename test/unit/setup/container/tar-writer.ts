import { gzipSync } from "node:zlib";

/** An entry as a test wants it, harmless or not. */
export interface Written {
  readonly path: string;
  readonly type?: string;
  readonly content?: string;
  readonly target?: string;
  readonly mode?: number;
  /** The header's number, where it is not the content's. */
  readonly size?: number;
}

/** A POSIX tar archive with these entries, whatever they are. */
export function tar(entries: readonly Written[]): Buffer {
  return Buffer.concat([...entries.map(entry), Buffer.alloc(1024)]);
}

export function tarGz(entries: readonly Written[]): Buffer {
  return gzipSync(tar(entries));
}

/** A record of a pax header. */
export function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const digits = String(rest.length + String(rest.length).length).length;
  return `${rest.length + digits}${rest}`;
}

function entry({ path, type = "0", content = "", target = "", mode = 0o644, size }: Written): Buffer {
  const header = Buffer.alloc(512);
  header.write(path.slice(0, 100), 0);
  header.write(octal(mode, 7), 100);
  header.write(octal(size ?? Buffer.byteLength(content), 11), 124);
  header.write("        ", 148);
  header.write(type, 156);
  header.write(target.slice(0, 100), 157);
  header.write("ustar\u000000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${octal(sum, 6)}\0 `, 148);
  const body = Buffer.alloc(Math.ceil(Buffer.byteLength(content) / 512) * 512);
  body.write(content);
  return Buffer.concat([header, body]);
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, "0");
}

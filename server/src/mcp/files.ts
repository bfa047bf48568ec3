import type { ExecutionResult } from "@zeroboot/sdk";
import { ToolError } from "./tool-error.js";
import type { Workspace } from "./workspaces.js";

/** Of one call. In base 64 it has to fit into a cell's code. */
const MAX_WRITE_BYTES = 512 * 1024;
const TIMEOUT_MS = 60_000;

export interface WriteRequest {
  readonly path: string;
  readonly content: string;
  readonly encoding: "utf-8" | "base64";
  readonly append: boolean;
}

export interface ReadRequest {
  readonly path: string;
  readonly encoding: "utf-8" | "base64";
  readonly offset: number;
  readonly length: number;
}

export interface ReadAnswer {
  readonly content: string;
  readonly bytes: number;
  readonly at_end: boolean;
}

/** @returns the bytes written @throws ToolError `file_too_large`, `file_failed` */
export async function writeFile(
  { language, session }: Workspace,
  { path, content, encoding, append }: WriteRequest,
  signal: AbortSignal,
): Promise<number> {
  const data = bytesOf(content, encoding);
  if (data.length > MAX_WRITE_BYTES) {
    throw new ToolError(
      "file_too_large",
      `${data.length} bytes are more than ${MAX_WRITE_BYTES}; write it in parts with append`,
    );
  }
  const ran = await session.run(language.write(path, data, append), { timeoutMs: TIMEOUT_MS, signal });
  if (ran.exitCode !== 0) throw failed(path, ran);
  return data.length;
}

/** @throws ToolError `file_failed` */
export async function readFile(
  { language, session }: Workspace,
  { path, encoding, offset, length }: ReadRequest,
  signal: AbortSignal,
): Promise<ReadAnswer> {
  // One byte more tells whether the file goes on.
  const ran = await session.run(language.read(path, offset, length + 1), { timeoutMs: TIMEOUT_MS, signal });
  if (ran.exitCode !== 0 || ran.stderr !== "") throw failed(path, ran);
  const all = Buffer.from(ran.stdout, "base64");
  const data = all.subarray(0, length);
  return { content: textOf(path, data, encoding), bytes: data.length, at_end: all.length <= length };
}

function bytesOf(content: string, encoding: WriteRequest["encoding"]): Uint8Array {
  if (encoding === "utf-8") return Buffer.from(content, "utf8");
  const text = content.replace(/\s+/g, "");
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)) {
    throw new ToolError("file_failed", "content is not base 64");
  }
  return Buffer.from(text, "base64");
}

function textOf(path: string, data: Uint8Array, encoding: ReadRequest["encoding"]): string {
  if (encoding === "base64") return Buffer.from(data).toString("base64");
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data);
  } catch {
    throw new ToolError("file_failed", `${path} is not UTF-8 there; read it with encoding base64`);
  }
}

/** The guest's own last words on it. */
function failed(path: string, { status, error, stderr }: ExecutionResult): ToolError {
  const why = error === undefined ? stderr.trim() : `${error.name}: ${error.message}`;
  return new ToolError("file_failed", `${path}: ${why === "" ? status : why}`);
}

/**
 * What an MCP session can speak, and how files and the shell are reached in each: by cells of the language itself, so
 * that they are the same as for its programs: their working directory, their user, their view of the file system.
 */

/** Names that a client may give a language by. */
export const LANGUAGE_NAMES = ["python", "node", "javascript", "shell", "bash"] as const;
export type LanguageName = (typeof LANGUAGE_NAMES)[number];

/** One language. Each member answers a cell's code; paths and commands are any text. */
export interface Language {
  readonly name: "python" | "node" | "shell";
  /** Runs a command of the shell; its exit code is the cell's. */
  shell(command: string): string;
  /** Writes a file, whose directory is made if need be. */
  write(path: string, data: Uint8Array, append: boolean): string;
  /** Prints at most `length` bytes of a file, from `offset`, in base 64. */
  read(path: string, offset: number, length: number): string;
}

const base64 = (data: Uint8Array): string => Buffer.from(data).toString("base64");
/** JSON's strings are Python's and JavaScript's, too. */
const quoted = (text: string): string => JSON.stringify(text);
/** A word of the shell that stands for itself. */
const word = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

const python: Language = {
  name: "python",
  shell: (command) =>
    // As a shell has it: 128 and the number of the signal that ended the command.
    `raise SystemExit((lambda code: code if code >= 0 else 128 - code)(__import__("subprocess").run(["/bin/sh", "-c", ${quoted(command)}]).returncode))`,
  write: (path, data, append) =>
    `(lambda os, path, data: (os.makedirs(os.path.dirname(path) or ".", exist_ok=True), open(path, "${append ? "ab" : "wb"}").write(data)))(__import__("os"), ${quoted(path)}, __import__("base64").b64decode("${base64(data)}")) and None`,
  read: (path, offset, length) =>
    `(lambda file: (file.seek(${offset}), __import__("sys").stdout.write(__import__("base64").b64encode(file.read(${length})).decode()), file.close()))(open(${quoted(path)}, "rb")) and None`,
};

const node: Language = {
  name: "node",
  shell: (command) =>
    `{ const ran = require("node:child_process").spawnSync("/bin/sh", ["-c", ${quoted(command)}], { stdio: ["ignore", "inherit", "inherit"] }); process.exit(ran.status ?? 128 + (require("node:os").constants.signals[ran.signal] ?? 0)); }`,
  write: (path, data, append) =>
    `{ const fs = require("node:fs"); const path = ${quoted(path)}; fs.mkdirSync(require("node:path").dirname(path), { recursive: true }); fs.${append ? "appendFileSync" : "writeFileSync"}(path, Buffer.from("${base64(data)}", "base64")); } void 0`,
  read: (path, offset, length) =>
    `{ const fs = require("node:fs"); const file = fs.openSync(${quoted(path)}, "r"); try { const data = Buffer.alloc(${length}); let used = 0; for (let got = 1; got > 0 && used < data.length; used += got) got = fs.readSync(file, data, used, data.length - used, ${offset} + used); process.stdout.write(data.subarray(0, used).toString("base64")); } finally { fs.closeSync(file); } } void 0`,
};

const shell: Language = {
  name: "shell",
  shell: (command) => command,
  write: (path, data, append) =>
    `mkdir -p -- "$(dirname -- ${word(path)})" && printf %s '${base64(data)}' | base64 -d ${append ? ">>" : ">"} ${word(path)}`,
  // The redirection fails as a whole for what cannot be read, and a directory is not read by mistake.
  read: (path, offset, length) =>
    `[ ! -d ${word(path)} ] || { echo "${"$"}{0##*/}: is a directory" >&2; false; } && tail -c +${offset + 1} < ${word(path)} | head -c ${length} | base64 -w 0`,
};

const LANGUAGES: Readonly<Record<LanguageName, Language>> = { python, node, javascript: node, shell, bash: shell };

export function languageOf(name: LanguageName): Language {
  return LANGUAGES[name];
}

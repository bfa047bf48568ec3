import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { poll } from "../helpers/poll.js";
import { CLI, collect, ended, runProgram, zeroboot } from "../helpers/program.js";

/** CRC-32 as zlib has it, which Node has from version 22 on. */
function crc32(data: Uint8Array): number {
  let crc = ~0;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
  }
  return ~crc >>> 0;
}

const directory = mkdtempSync(join(tmpdir(), "zeroboot-exec-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe("zeroboot exec", () => {
  beforeAll(async () => {
    const built = await zeroboot(["template", "build"]);
    expect(built.exitCode, built.stderr).toBe(0);
  });

  it("prints what the program prints and nothing else", async () => {
    expect(await zeroboot(["exec", "print(1+1)"])).toEqual({ exitCode: 0, signal: null, stdout: "2\n", stderr: "" });
  });

  it("ends with the program's exit code, its streams apart", async () => {
    const ran = await zeroboot(["exec", 'import sys; print("o"); print("e", file=sys.stderr); sys.exit(3)']);
    expect(ran).toEqual({ exitCode: 3, signal: null, stdout: "o\n", stderr: "e\n" });
  });

  it("has numpy", async () => {
    const ran = await zeroboot(["exec", "import numpy as np; print(np.arange(10).mean())"]);
    expect(ran).toMatchObject({ exitCode: 0, stdout: "4.5\n" });
  });

  it("runs a file and standard input, and shows a real traceback", async () => {
    const file = join(directory, "program.py");
    writeFileSync(file, "def f():\n    return 1 / 0\n\nf()\n");
    const ran = await zeroboot(["exec", "--file", file]);
    expect(ran.exitCode).toBe(1);
    expect(ran.stderr).toContain('File "<cell 1>", line 4, in <module>');
    expect(ran.stderr).toContain("    return 1 / 0");
    expect(ran.stderr).toContain("ZeroDivisionError: division by zero");
    expect(await zeroboot(["exec", "-"], { stdin: "print('from stdin')" })).toMatchObject({
      exitCode: 0,
      stdout: "from stdin\n",
    });
  });

  it("gives the program its own standard input", async () => {
    const file = join(directory, "reverse.py");
    writeFileSync(file, "print(input()[::-1])\n");
    expect(await zeroboot(["exec", "--file", file], { stdin: "abc\n" })).toMatchObject({
      exitCode: 0,
      stdout: "cba\n",
    });
    const lines = await zeroboot(["exec", "import sys; print([len(line) for line in sys.stdin])"], {
      stdin: "a\nbc\nd",
    });
    expect(lines).toMatchObject({ exitCode: 0, stdout: "[2, 3, 1]\n" });
    // As from the code's own pipe: it is at its end.
    const none = await zeroboot(["exec", "-"], { stdin: "import sys; print(repr(sys.stdin.read()))" });
    expect(none).toMatchObject({ exitCode: 0, stdout: "''\n" });
  });

  it("shows a prompt where Python does when it reads from a pipe", async () => {
    const ran = await zeroboot(["exec", 'print(input("name? "), input("and? "))'], { stdin: "a\nb\n" });
    expect(ran).toEqual({ exitCode: 0, signal: null, stdout: "name? and? a b\n", stderr: "" });
  });

  it("passes many MiB of standard input on, byte for byte, to a program slower than the pipe", async () => {
    const mebibytes = 16;
    const code =
      "import sys, zlib, time\ntime.sleep(1)\ndata = sys.stdin.buffer.read()\nprint(len(data), zlib.crc32(data))";
    const file = join(directory, "big");
    const piece = Buffer.from(Array.from({ length: 1 << 20 }, (_, at) => (at * 31 + (at >> 8)) & 0xff));
    const data = Buffer.concat(Array.from({ length: mebibytes }, () => piece));
    writeFileSync(file, data);
    const ran = await runProgram("sh", ["-c", `exec "$0" "$@" <${file}`, process.execPath, CLI, "exec", code]);
    const [length, checksum] = ran.stdout.trim().split(" ").map(Number);
    expect([ran.exitCode, ran.stderr, length]).toEqual([0, "", data.length]);
    expect(checksum).toBe(crc32(data));
  });

  it("does not wait for the end of an input that nobody reads", async () => {
    const child = spawn(process.execPath, [CLI, "exec", "print(1)"], { stdio: ["pipe", "pipe", "inherit"] });
    const stdout = collect(child.stdout);
    child.stdin.write("never read, and never ended");
    expect(await ended(child)).toEqual({ exitCode: 0, signal: null });
    expect(stdout()).toBe("1\n");
  });

  it("prints the last expression's value when asked", async () => {
    expect(await zeroboot(["exec", "--print", "[1, 2] * 2"])).toMatchObject({ exitCode: 0, stdout: "[1, 2, 1, 2]\n" });
  });

  it("captures children and C code, in the order in which they wrote", async () => {
    const code = [
      "import os, subprocess, ctypes",
      "libc = ctypes.CDLL(None)",
      "print('python')",
      "subprocess.run(['/bin/sh', '-c', 'echo child; echo oops >&2'])",
      "os.write(1, b'raw\\n')",
      "libc.puts(b'C'); libc.fflush(None)",
      "libc.puts(b'C, never flushed')",
      "print('end')",
    ].join("\n");
    const ran = await zeroboot(["exec", code]);
    // The C library buffers what it writes into a pipe; the end of the cell flushes it.
    const stdout = "python\nchild\nraw\nC\nend\nC, never flushed\n";
    expect(ran).toEqual({ exitCode: 0, signal: null, stdout, stderr: "oops\n" });
  });

  it("passes every byte of a large output on", async () => {
    const ran = await zeroboot(["exec", "import sys\nfor i in range(40000): print(f'{i:06d}' * 8)"]);
    expect(ran.exitCode).toBe(0);
    const lines = ran.stdout.split("\n");
    expect(lines.length).toBe(40_001);
    expect(lines.every((line, i) => i === 40_000 || line === String(i).padStart(6, "0").repeat(8))).toBe(true);
  });

  it("ends a program that runs out of time with 124", async () => {
    const ran = await zeroboot(["exec", "--timeout", "1", "print('before', flush=True)\nwhile True: pass"]);
    expect(ran).toMatchObject({ exitCode: 124, stdout: "before\n" });
    expect(ran.stderr).toContain("ran out of time");
  });

  it("interrupts the program on Ctrl-C", async () => {
    // Short sleeps: a signal that lands just before a system call is seen when that returns.
    const code = 'import time\nprint("up", flush=True)\nwhile True: time.sleep(0.05)';
    const child = spawn(process.execPath, [CLI, "exec", code], { stdio: ["ignore", "pipe", "pipe"] });
    const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
    const end = ended(child);
    await poll("the program's first output", 60_000, () => (stdout() === "up\n" ? true : undefined));
    child.kill("SIGINT");
    expect(await end).toEqual({ exitCode: 130, signal: null });
    expect(stderr()).toContain("KeyboardInterrupt");
  });

  it("says 125 for what is wrong with the command line, before anything is made", async () => {
    expect((await zeroboot(["exec"])).exitCode).toBe(125);
    expect((await zeroboot(["exec", "--file", join(directory, "none.py")])).exitCode).toBe(125);
    expect((await zeroboot(["exec", "--template", "no-such", "1"])).exitCode).toBe(125);
    expect((await zeroboot(["exec", "--timeout", "soon", "1"])).exitCode).toBe(125);
    expect((await zeroboot(["nonsense"])).exitCode).toBe(125);
  });

  it("says 126 and the remedy to a user without the right to /dev/kvm", async () => {
    const ran = await runProgram("setpriv", [
      ...["--reuid=65534", "--regid=65534", "--clear-groups", "--", "env", `ZEROBOOT_HOME=${directory}/home`],
      ...[process.execPath, CLI, "exec", "1"],
    ]);
    expect(ran.exitCode, ran.stderr).toBe(126);
    expect(ran.stderr).toContain("/dev/kvm");
    expect(ran.stderr).toMatch(/usermod -aG kvm|setfacl/);
  });
});

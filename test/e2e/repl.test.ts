import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { defaultHome } from "../../native/guest/build/index.js";
import { zeroboot } from "../helpers/program.js";
import { TerminalProgram } from "../helpers/pty.js";
import { ServerProcess } from "../helpers/server-process.js";

const ENTER = "\r";
const CTRL_C = "\x03";
const CTRL_D = "\x04";
const UP = "\x1b[A";

/** Everything of the cache directory but the history, which is a test's own. */
const home = mkdtempSync(join(tmpdir(), "zeroboot-repl-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** A REPL at its first prompt. */
async function atPrompt(...args: string[]): Promise<TerminalProgram> {
  const program = new TerminalProgram(["repl", ...args], { ZEROBOOT_HOME: home });
  await program.until(">>> ");
  return program;
}

describe("zeroboot repl", { timeout: 600_000 }, () => {
  beforeAll(async () => {
    const built = await zeroboot(["template", "build"]);
    expect(built.exitCode, built.stderr).toBe(0);
    for (const entry of readdirSync(defaultHome())) {
      if (entry !== "history") symlinkSync(join(defaultHome(), entry), join(home, entry));
    }
  });

  it("is a session at a terminal", async () => {
    await using program = new TerminalProgram(["repl"], { ZEROBOOT_HOME: home });
    expect(await program.until(">>> ")).toMatch(
      /Zeroboot: python \(CPython 3\.\d+\.\d+\), \d+ MiB, forked in [\d.]+ ms/,
    );

    // Two cells share a variable; only a value that is one is shown.
    program.type(`x = 20${ENTER}`);
    expect(await program.until(">>> ")).toBe("x = 20\n");
    program.type(`x + 22.5${ENTER}`);
    await program.until("\n42.5\n>>> ");

    // A definition of several lines, typed.
    program.type(`def double(n):${ENTER}`);
    await program.until("... ");
    program.type(`    return 2 * n${ENTER}`);
    await program.until("... ");
    program.type(ENTER);
    await program.until(">>> ");
    // And a block that is pasted with what follows it.
    program.type(`def triple(n):${ENTER}    m = n${ENTER}${ENTER}    return 3 * m${ENTER}double(4), triple(5)${ENTER}`);
    await program.until("(8, 15)\n");
    await program.until(">>> ");

    // Completion from the live namespace.
    program.type("tri\t");
    await program.until("triple");
    program.type(`(100)${ENTER}`);
    await program.until("\n300\n>>> ");

    // Output without an end of line; the prompt gets a line of its own.
    program.type(`print(6 * 7, end="")${ENTER}`);
    await program.until("\n42\n>>> ");

    // Errors are the guest's own, and in colour.
    program.type(`1 / 0${ENTER}`);
    await program.until("ZeroDivisionError: division by zero");
    await program.until(">>> ");
    expect(program.raw).toContain("\x1b[1;31mZeroDivisionError\x1b[0m");

    // What the cell asks for is asked of who types; a password is not shown.
    program.type(`print("<" + input("name? ") + ">")${ENTER}`);
    await program.until("\nname? ");
    program.type(`Eva${ENTER}`);
    await program.until("<Eva>");
    await program.until(">>> ");
    program.type(`from getpass import getpass; len(getpass("key: "))${ENTER}`);
    await program.until("\nkey: ");
    program.type(`verysecret${ENTER}`);
    await program.until("10\n>>> ");
    expect(program.shown).not.toContain("verysecret");
    // Ctrl-D is the end of a cell's input, and not of the REPL.
    program.type(`sys = __import__("sys"); len(sys.stdin.read())${ENTER}`);
    await program.until("\n");
    program.type(`abc${ENTER}`);
    await program.until("abc\n");
    program.type(CTRL_D);
    await program.until("4\n>>> ");

    // Ctrl-C interrupts the cell, and clears the line at the prompt.
    program.type(`print("up"); exec("while True: pass")${ENTER}`);
    await program.until("\nup\n");
    program.type(CTRL_C);
    await program.until("KeyboardInterrupt");
    await program.until(">>> ");
    program.type(`no such line${CTRL_C}`);
    await program.until(">>> ");
    program.type(`x + 1${ENTER}`);
    await program.until("\n21\n>>> ");

    program.type(CTRL_D);
    expect(await program.ended).toEqual({ exitCode: 0, signal: null });

    // What was typed is kept for the next one, and answers are not.
    const history = readFileSync(join(home, "history"), "utf8");
    expect(history).toContain("x = 20\n");
    expect(history).toContain("    return 2 * n\n");
    expect(history).not.toMatch(/^(Eva|verysecret|abc)$/m);
    expect(statSync(join(home, "history")).mode & 0o777).toBe(0o600);
    await using next = await atPrompt();
    next.type(`x = 100${ENTER}`);
    await next.until(">>> ");
    next.type(`${UP}${UP}${ENTER}`);
    await next.until("\n101\n>>> ");
    next.type(CTRL_D);
    expect((await next.ended).exitCode).toBe(0);
  });

  it("puts a cell that heeds no interrupt into a fresh virtual machine, and says so", async () => {
    await using program = await atPrompt("--no-history");
    program.type(`kept = 1${ENTER}`);
    await program.until(">>> ");
    const deaf = 'import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); print("deaf"); exec("while True: pass")';
    program.type(`${deaf}${ENTER}`);
    await program.until("\ndeaf\n");
    program.type(CTRL_C + CTRL_C);
    await program.until("zeroboot: restarted after an interrupt: variables, files and processes are gone");
    program.type(`"kept" in globals()${ENTER}`);
    await program.until("False\n");
    program.type(CTRL_D);
    expect((await program.ended).exitCode).toBe(0);
    expect(readFileSync(join(home, "history"), "utf8")).not.toContain("kept = 1");
  });

  it("uses a server, and says why the session ended when it does", async () => {
    await using server = await ServerProcess.ready();
    await using program = await atPrompt("--url", server.url);
    program.type(`6 * 7${ENTER}`);
    await program.until("\n42\n>>> ");
    await server.stop();
    await program.until("zeroboot: the session ended: The server is stopping. (shutting_down), exit code 125");
    expect(await program.ended).toEqual({ exitCode: 125, signal: null });
  });

  it("runs what comes from a pipe, cell by cell and without prompts", async () => {
    const script = [
      "x = 2",
      "def f(n):",
      "    if n:",
      "",
      "        return n * x",
      "    return 0",
      "f(21)",
      'print("got", input("? "))',
      "an answer",
      "1 / 0",
      "x",
      "for i in range(2):",
      "    print(i)",
    ];
    const ran = await zeroboot(["repl"], { stdin: `${script.join("\n")}\n` });
    expect(ran.stdout).toBe("42\n? got an answer\n2\n0\n1\n");
    expect(ran.stderr).toMatch(/^Traceback .*\n[\s\S]*\nZeroDivisionError: division by zero\n$/);
    expect(ran.exitCode).toBe(1);
  });
});

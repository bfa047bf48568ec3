import { describe, expect, it, onTestFinished } from "vitest";
import { Terminal } from "../../../../../server/src/cli/repl/terminal.js";
import { FakeStreams } from "../streams.js";

/** A terminal, and what it told. */
function terminal(history: readonly string[] = []) {
  const streams = new FakeStreams(true);
  const told: string[] = [];
  let interrupts = 0;
  const console = new Terminal(streams, {
    history,
    onHistory: (line) => told.push(line),
    onInterrupt: () => interrupts++,
    complete: async (line) => [line.endsWith("pri") ? ["print"] : ["alpha", "beta"], line.endsWith("pri") ? "pri" : ""],
  });
  onTestFinished(() => console.close());
  return { streams, console, told, interrupts: () => interrupts };
}

const line = (text: string) => ({ kind: "line", text });

describe("a terminal", () => {
  it("prompts, edits and answers with the line", async () => {
    const { streams, console, told } = terminal();
    const entry = console.next(">>> ");
    await streams.until(">>> ");
    streams.type("x = 12\x7f3\r");
    expect(await entry).toEqual(line("x = 13"));
    expect(told).toEqual(["x = 13"]);
  });

  it("recalls what was typed before, in this REPL and in earlier ones", async () => {
    const { streams, console, told } = terminal(["earlier"]);
    streams.type("\x1b[A\r");
    expect(await console.next(">>> ")).toEqual(line("earlier"));
    const first = console.next(">>> ");
    streams.type("a\r");
    expect(await first).toEqual(line("a"));
    const again = console.next(">>> ");
    streams.type("\x1b[A\x1b[A\r");
    expect(await again).toEqual(line("earlier"));
    expect(told).toEqual(["a", "earlier"]);
  });

  it("keeps pasted lines, and what is behind the last of them in the prompt", async () => {
    const { streams, console } = terminal();
    const first = console.next(">>> ");
    streams.type("a\rb\rc");
    expect(await first).toEqual(line("a"));
    expect(await console.peek()).toBe("b");
    expect(await console.next(">>> ")).toEqual(line("b"));
    expect(await console.peek()).toBeUndefined();
    const last = console.next(">>> ");
    await streams.until(">>> c");
    streams.type("d\r");
    expect(await last).toEqual(line("cd"));
  });

  it("completes", async () => {
    const { streams, console } = terminal();
    const entry = console.next(">>> ");
    streams.type("pri\t");
    await streams.until("print");
    streams.type("(1)\r");
    expect(await entry).toEqual(line("print(1)"));
  });

  it("begins a prompt in a line of its own, whatever was written", async () => {
    const { streams, console } = terminal();
    await console.write("no end", "stdout");
    void console.next(">>> ");
    await streams.until("no end\n");
    await streams.until(">>> ");
  });

  it("asks behind what the program has written, and keeps the answer out of the history", async () => {
    const { streams, console, told } = terminal();
    await console.write("line\nhalf ", "stdout");
    const answer = console.ask({ prompt: "name? ", password: false });
    await streams.until("half name? ");
    streams.type("Eva\r");
    expect(await answer).toBe("Eva");
    const entry = console.next(">>> ");
    streams.type("\x1b[Ax\r");
    expect(await entry).toEqual(line("x"));
    expect(told).toEqual(["x"]);
  });

  it("does not show a password", async () => {
    const { streams, console, told } = terminal();
    const answer = console.ask({ prompt: "Password: ", password: true });
    await streams.until("Password: ");
    streams.type("secret\r");
    expect(await answer).toBe("secret");
    const entry = console.next(">>> ");
    streams.type("seen\r");
    expect(await entry).toEqual(line("seen"));
    expect(streams.shown).not.toContain("secret");
    expect(streams.shown).toContain("seen");
    expect(told).toEqual(["seen"]);
  });

  it("clears the line on Ctrl-C at the prompt", async () => {
    const { streams, console, interrupts } = terminal();
    const entry = console.next(">>> ");
    streams.type("half a li\x03");
    expect(await entry).toEqual({ kind: "interrupt" });
    const next = console.next(">>> ");
    streams.type("b\r");
    expect(await next).toEqual(line("b"));
    expect(interrupts()).toBe(0);
  });

  it("tells of Ctrl-C while nothing is asked, and while an answer is", async () => {
    const { streams, console, interrupts } = terminal();
    streams.type("typed ahead\rand\x03");
    await streams.until("^C");
    expect(interrupts()).toBe(1);
    const answer = console.ask({ prompt: "? ", password: false });
    streams.type("\x03");
    await streams.until("^C");
    expect(interrupts()).toBe(2);
    console.cancel();
    expect(await answer).toBeUndefined();
    const entry = console.next(">>> ");
    streams.type("x\r");
    expect(await entry).toEqual(line("x"));
  });

  it("ends on Ctrl-D what is read, and goes on", async () => {
    const { streams, console } = terminal();
    const answer = console.ask({ prompt: "? ", password: false });
    streams.type("\x04");
    expect(await answer).toBeUndefined();
    const entry = console.next(">>> ");
    streams.type("x\r");
    expect(await entry).toEqual(line("x"));
    const end = console.next(">>> ");
    streams.type("\x04");
    expect(await end).toEqual({ kind: "end" });
  });

  it("says what is to be known above the line that is typed", async () => {
    const { streams, console } = terminal();
    const entry = console.next(">>> ");
    streams.type("half");
    await streams.until("half");
    console.notice("zeroboot: news");
    await streams.until("zeroboot: news\n");
    await streams.until(">>> half");
    console.end();
    expect(await entry).toEqual({ kind: "end" });
  });
});

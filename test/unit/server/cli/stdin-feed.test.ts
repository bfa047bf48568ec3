import type { Execution } from "@zeroboot/sdk";
import { describe, expect, it, onTestFinished } from "vitest";
import { StdinFeed } from "../../../../server/src/cli/stdin-feed.js";
import { poll } from "../../../helpers/poll.js";
import { FakeStreams } from "./streams.js";

const KIB = 1024;
const pause = () => new Promise((resolve) => setTimeout(resolve, 20));

/** A feed, and what the program got of it. */
function feeding(streams: FakeStreams) {
  const got: Buffer[] = [];
  const program = { bytes: 0, isClosed: false, reads: true };
  const execution = {
    write(data: Uint8Array) {
      got.push(Buffer.from(data));
      program.bytes += data.length;
    },
    closeStdin() {
      program.isClosed = true;
    },
    drained: () => new Promise<void>((resolve) => takers.push(resolve)),
  } as Execution;
  const takers: (() => void)[] = [];
  /** The program has read: there is room for more. */
  const take = () => {
    for (const resolve of takers.splice(0)) resolve();
  };
  const taking = setInterval(() => program.reads && take(), 1);
  onTestFinished(() => clearInterval(taking));
  const feed = new StdinFeed(streams);
  onTestFinished(() => feed.release());
  feed.start(execution);
  return { feed, program, text: () => Buffer.concat(got).toString() };
}

const request = (prompt = "", password = false) => ({ prompt, password });

describe("a program's standard input", () => {
  it("is read ahead from a pipe, and ends with it", async () => {
    const streams = new FakeStreams();
    const { program, text } = feeding(streams);
    streams.type("abc\n");
    streams.stdin.end("def");
    await poll("the end", 10_000, () => (program.isClosed ? true : undefined));
    expect(text()).toBe("abc\ndef");
  });

  it("is closed at once where there is none", async () => {
    const streams = new FakeStreams();
    streams.stdin.end();
    const { program } = feeding(streams);
    await poll("the end", 10_000, () => (program.isClosed ? true : undefined));
  });

  it("is held back while the program does not read", async () => {
    const streams = new FakeStreams();
    const { program } = feeding(streams);
    program.reads = false;
    let written = 0;
    const write = () => {
      while (written < 1000 * KIB && streams.stdin.write(Buffer.alloc(10 * KIB, "x"))) written += 10 * KIB;
    };
    streams.stdin.on("drain", write);
    write();
    await pause();
    const before = program.bytes;
    expect(before).toBeGreaterThan(0);
    await pause();
    expect(program.bytes).toBe(before);
    expect(written).toBeLessThan(200 * KIB);
    program.reads = true;
    await poll("all of it", 10_000, () => (program.bytes >= 1000 * KIB ? true : undefined));
  });

  it("shows prompts on standard output, and those of passwords on standard error", async () => {
    const streams = new FakeStreams();
    const { feed } = feeding(streams);
    feed.requested(request("name? "));
    feed.requested(request("Password: ", true));
    feed.requested(request());
    await poll("prompts", 10_000, () => (streams.out === "name? " && streams.err === "Password: " ? true : undefined));
  });

  it("is not touched at a terminal before the program asks, and then read line by line", async () => {
    const streams = new FakeStreams(true);
    const { feed, text } = feeding(streams);
    streams.type("first\n");
    await pause();
    expect([text(), streams.stdin.readableLength]).toEqual(["", 6]);
    feed.requested(request("? "));
    await poll("the line", 10_000, () => (text() === "first\n" ? true : undefined));
    streams.type("second\n");
    await pause();
    expect(text()).toBe("first\n");
  });

  it("does not show a password that is typed", async () => {
    const streams = new FakeStreams(true);
    const { feed, text } = feeding(streams);
    feed.requested(request("Password: ", true));
    await streams.until("Password: ");
    streams.type("secret\r");
    await poll("the password", 10_000, () => (text() === "secret\n" ? true : undefined));
    expect(streams.shown).toBe("Password: \n");
  });

  it("is left alone when the program has ended", async () => {
    const streams = new FakeStreams();
    const { feed, program, text } = feeding(streams);
    feed.release();
    feed.requested(request());
    streams.type("late\n");
    await pause();
    expect([text(), program.isClosed]).toEqual(["", false]);
  });

  it("ends with a pipe that breaks", async () => {
    const streams = new FakeStreams();
    const { program } = feeding(streams);
    streams.stdin.destroy(new Error("EIO"));
    await poll("the end", 10_000, () => (program.isClosed ? true : undefined));
  });
});

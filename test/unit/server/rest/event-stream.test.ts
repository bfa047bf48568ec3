import { describe, expect, it } from "vitest";
import { formatEvent, keptAlive, wantsEventStream } from "../../../../server/src/rest/event-stream.js";
import { request } from "../request.js";

describe("the event stream", () => {
  it.each([
    ["text/event-stream", true],
    ["application/json, Text/Event-Stream;q=0.9", true],
    ["application/json", false],
    ["*/*", false],
    ["text/event-streams", false],
  ])("is what is asked for by Accept: %s: %s", (accept, wanted) => {
    expect(wantsEventStream(request({ accept }))).toBe(wanted);
  });

  it("is not asked for without Accept", () => {
    expect(wantsEventStream(request())).toBe(false);
  });

  it("has one line of data for each event, whatever is in it", () => {
    const event = formatEvent("stdout", { text: "a\n\nevent: done\r\ndata: {}\u2028" });
    expect(event.split("\n")).toHaveLength(4);
    expect(event).not.toContain("\r");
    expect(JSON.parse(event.split("\n")[1]?.slice("data: ".length) ?? "")).toEqual({
      text: "a\n\nevent: done\r\ndata: {}\u2028",
    });
  });

  it("has a comment wherever nothing comes for long, and loses nothing by it", async () => {
    let release: (() => void) | undefined;
    const silent = new Promise<void>((resolve) => {
      release = resolve;
    });
    async function* parts() {
      yield "a";
      await silent;
      yield "b";
    }
    const seen: string[] = [];
    for await (const part of keptAlive(parts(), 1)) {
      seen.push(part);
      if (seen.length === 4) release?.();
    }
    expect(seen.slice(0, 4)).toEqual(["a", ...Array(3).fill(": still running\n\n")]);
    expect(seen.filter((part) => !part.startsWith(":"))).toEqual(["a", "b"]);
  });

  it("ends what it reads from when its reader does", async () => {
    let ended = false;
    async function* parts() {
      try {
        for (;;) yield "a";
      } finally {
        ended = true;
      }
    }
    for await (const _ of keptAlive(parts())) break;
    expect(ended).toBe(true);
  });
});

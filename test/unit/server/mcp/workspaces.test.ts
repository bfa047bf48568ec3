import type { SessionBase } from "@zeroboot/sdk/transport";
import { describe, expect, it } from "vitest";
import { languageOf } from "../../../../server/src/mcp/language.js";
import { type SessionSource, Workspaces } from "../../../../server/src/mcp/workspaces.js";

const python = languageOf("python");

/** A source that never has its template, until it is given up. */
function slowSource() {
  const told: string[] = [];
  let giveUp = (_: Error): void => {};
  const source: SessionSource = {
    open: () =>
      new Promise((_, reject) => {
        giveUp = reject;
      }),
    giveUp: () => {
      told.push("giveUp");
      giveUp(new Error("given up"));
    },
    close: async () => void told.push("close"),
  };
  return { source, told };
}

/** One whose sessions end when they are told to. */
function quickSource() {
  const open = { count: 0 };
  const source: SessionSource = {
    open: async () => {
      open.count++;
      let end = (_: unknown): void => {};
      const closed = new Promise((resolve) => {
        end = resolve;
      });
      const close = async () => {
        open.count--;
        end({ code: "session_closed" });
      };
      // Of a session nothing else is asked here.
      return { session: { closed } as unknown as SessionBase, close };
    },
    giveUp: () => {},
    close: async () => {},
  };
  return { source, open };
}

describe("workspaces", () => {
  it("end at once while a session is still being opened", async () => {
    const { source, told } = slowSource();
    const workspaces = new Workspaces(source, 2);
    const using = workspaces.use("", "a", undefined, python);
    const failed = expect(using).rejects.toThrow("given up");
    await workspaces.close();
    await failed;
    expect(told).toEqual(["giveUp", "close"]);
  });

  it("have room again for one that could not be opened, and for one that was reset", async () => {
    const { source } = slowSource();
    const workspaces = new Workspaces(source, 1);
    const using = workspaces.use("", "a", undefined, python);
    await expect(workspaces.use("", "b", undefined, python)).rejects.toMatchObject({ code: "session_limit" });
    source.giveUp();
    await expect(using).rejects.toThrow("given up");

    const { source: quick, open } = quickSource();
    const others = new Workspaces(quick, 1);
    await others.use("", "a", undefined, python);
    await expect(others.use("", "b", undefined, python)).rejects.toMatchObject({ code: "session_limit" });
    expect(await others.reset("", "a")).toBe(true);
    expect(await others.reset("", "a")).toBe(false);
    await others.use("", "b", undefined, python);
    await others.close();
    expect(open.count).toBe(0);
  });

  it("are each owner's own, and of one language", async () => {
    const { source, open } = quickSource();
    const workspaces = new Workspaces(source, 8);
    const mine = await workspaces.use("me", "a", undefined, python);
    expect((await workspaces.use("me", "a", python, python)).session).toBe(mine.session);
    expect((await workspaces.use("you", "a", undefined, python)).session).not.toBe(mine.session);
    expect(open.count).toBe(2);
    await expect(workspaces.use("me", "a", languageOf("node"), python)).rejects.toMatchObject({
      code: "session_language",
    });
    await workspaces.close();
    expect(open.count).toBe(0);
  });
});

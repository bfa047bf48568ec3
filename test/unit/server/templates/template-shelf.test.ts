import { describe, expect, it } from "vitest";
import type { Template } from "../../../../native/engine.js";
import { type Progress, SetupError } from "../../../../native/guest/build/index.js";
import { silentLogger } from "../../../../server/src/logger.js";
import { TemplateShelf } from "../../../../server/src/templates/template-shelf.js";

/** A call of the shelf's opener, which the test answers. */
interface Opening {
  readonly name: string;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** @returns the template, whose closing it counts */
  succeed(): { closed: number };
  fail(error: Error): void;
}

function setUp(names: readonly [string, ...string[]] = ["python", "node", "shell"], kept: readonly string[] = []) {
  const openings: Opening[] = [];
  const logged: { level: string; fields: object; message: string }[] = [];
  const at = (level: string, more: object) => (fields: object, message: string) => {
    logged.push({ level, fields: { ...more, ...fields }, message });
  };
  const log = (more: object = {}) => ({
    ...silentLogger,
    info: at("info", more),
    error: at("error", more),
    child: (fields: object) => log({ ...more, ...fields }),
  });
  const clock = { now: 0 };
  const shelf = new TemplateShelf({
    names,
    open: (name, progress, signal) =>
      new Promise<Template>((resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
        openings.push({
          name,
          progress,
          signal,
          succeed: () => {
            const counted = { closed: 0 };
            const info = { memoryMb: 256, runtime: `${name} 1.0` };
            resolve({ info, close: () => void counted.closed++ } as unknown as Template);
            return counted;
          },
          fail: reject,
        });
      }),
    isKept: async (name) => kept.includes(name),
    log: log(),
    now: () => clock.now,
  });
  const opened = () => openings.map(({ name }) => name);
  const last = (): Opening => openings.at(-1) ?? expect.fail("nothing is being opened");
  const state = (name: string) => shelf.states().get(name);
  return { shelf, openings, opened, last, state, logged, clock };
}

/** Let everything that follows from promises happen. */
const settled = () => new Promise((resolve) => setImmediate(resolve));
const failure = () => new SetupError("package_missing", "no such package", { remedy: "None." });

async function withDefault(...args: Parameters<typeof setUp>) {
  const all = setUp(...args);
  const opened = all.shelf.openDefault();
  all.last().succeed();
  await opened;
  await settled();
  return all;
}

describe("the default template", () => {
  it("is made first, whatever is asked for meanwhile", async () => {
    const { shelf, opened, last, state } = setUp();
    expect(shelf.ask("node")).toMatchObject({ code: "template_building", message: expect.stringContaining("waiting") });
    const made = shelf.openDefault();
    expect(shelf.ask("python")).toMatchObject({ code: "starting" });
    expect(shelf.hasDefault).toBe(false);
    await settled();
    expect(opened()).toEqual(["python"]);
    last().succeed();
    await made;
    await settled();
    expect(shelf.hasDefault).toBe(true);
    expect(shelf.ask("python")).toBeUndefined();
    expect(opened()).toEqual(["python", "node"]);
    expect([...shelf.states().keys()]).toEqual(["python", "node", "shell"]);
    expect(state("shell")).toEqual({ kind: "absent" });
  });

  it("that cannot be made is the caller's to deal with", async () => {
    const { shelf, last } = setUp();
    const made = shelf.openDefault();
    last().fail(failure());
    await expect(made).rejects.toMatchObject({ code: "package_missing" });
    await shelf.stop();
  });
});

describe("another template", () => {
  it("is made when it is asked for, one at a time, in the order of asking", async () => {
    const { shelf, opened, last, state } = await withDefault(["python", "a", "b", "c"]);
    for (const name of ["a", "b", "c", "b"]) expect(shelf.ask(name)?.code).toBe("template_building");
    await settled();
    expect(opened()).toEqual(["python", "a"]);
    expect(state("b")).toMatchObject({ kind: "building", progress: { step: "waiting" } });
    last().succeed();
    await settled();
    expect(shelf.ask("a")).toBeUndefined();
    expect(shelf.ready("a")?.info.runtime).toBe("a 1.0");
    expect(opened()).toEqual(["python", "a", "b"]);
    last().succeed();
    await settled();
    expect(opened()).toEqual(["python", "a", "b", "c"]);
  });

  it("tells who asks how far it is", async () => {
    const { shelf, last, logged, clock, state } = await withDefault();
    shelf.ask("node");
    const { progress } = last();
    const step = (id: string, seconds: number) => ({ id, title: `the ${id}`, seconds, downloadBytes: 0, diskBytes: 0 });
    progress.plan({ home: "/", freeBytes: 0, steps: [step("root", 40), step("template", 6)] });
    progress.step("root");
    clock.now += 10_000;
    progress.update(0.25, "unpacking");
    expect(state("node")).toEqual({
      kind: "building",
      progress: { step: "root", title: "step 1 of 2, the root", percent: 25, secondsLeft: 36 },
    });
    expect(shelf.ask("node")).toEqual({
      code: "template_building",
      message: "The template node is being made: step 1 of 2, the root, 25 %, about 36 s left.",
    });
    progress.step("template", "the guest boots");
    expect(state("node")).toMatchObject({ progress: { step: "template", percent: 0, secondsLeft: 6 } });
    expect(logged.filter(({ fields }) => "step" in fields)).toEqual([
      { level: "info", fields: { template: "node", step: "root", expectedSeconds: 40 }, message: "the root" },
      { level: "info", fields: { template: "node", step: "template", expectedSeconds: 6 }, message: "the guest boots" },
    ]);
  });

  it("that failed is told of, and tried again when asked for after a pause", async () => {
    const { shelf, opened, last, logged, clock, state } = await withDefault();
    shelf.ask("node");
    last().fail(failure());
    await settled();
    expect(state("node")).toEqual({ kind: "failed", code: "package_missing" });
    expect(logged.at(-1)).toMatchObject({ level: "error", fields: { template: "node", code: "package_missing" } });
    clock.now += 15_000;
    expect(shelf.ask("node")).toEqual({
      code: "template_failed",
      message: "The template node could not be made (package_missing). Asking for it in 45 s tries again.",
    });
    expect(opened()).toEqual(["python", "node"]);
    clock.now += 45_000;
    expect(shelf.ask("node")?.code).toBe("template_building");
    await settled();
    expect(opened()).toEqual(["python", "node", "node"]);
    last().succeed();
    await settled();
    expect(shelf.ask("node")).toBeUndefined();
  });

  it("that failed keeps nobody from the next one", async () => {
    const { shelf, opened, last } = await withDefault();
    shelf.ask("node");
    shelf.ask("shell");
    last().fail(failure());
    await settled();
    expect(opened()).toEqual(["python", "node", "shell"]);
  });

  it("is not there if it is not on the list", async () => {
    const { shelf } = await withDefault();
    expect(shelf.has("cobol")).toBe(false);
    expect(shelf.ask("cobol")?.code).toBe("template_unknown");
  });
});

describe("before anybody asks", () => {
  it.each([
    ["none", []],
    ["cached", ["shell"]],
    ["all", ["node", "shell"]],
  ] as const)("%s: %j are made", async (which, expected) => {
    const { shelf, openings, opened } = await withDefault(undefined, ["python", "shell"]);
    await shelf.prebuild(which);
    for (let made = 1; made <= expected.length; made++) {
      await settled();
      openings[made]?.succeed();
    }
    await settled();
    expect(opened()).toEqual(["python", ...expected]);
  });
});

describe("who asks", () => {
  it("comes before what is made for nobody", async () => {
    const { shelf, opened, last } = await withDefault(["python", "a", "b", "c"]);
    await shelf.prebuild("all");
    shelf.ask("c");
    last().succeed();
    await settled();
    expect(opened()).toEqual(["python", "a", "c"]);
    last().succeed();
    await settled();
    expect(opened()).toEqual(["python", "a", "c", "b"]);
  });
});

describe("when the server stops", () => {
  it("what is being made is given up, nothing more is begun, and what is there is closed", async () => {
    const { shelf, opened, openings, last } = await withDefault();
    shelf.ask("node");
    const node = last().succeed();
    await settled();
    shelf.ask("shell");
    shelf.ask("node");
    await settled();
    await shelf.stop();
    expect(openings.at(-1)?.signal.aborted).toBe(true);
    expect(node.closed).toBe(0);
    shelf.close();
    shelf.close();
    expect(node.closed).toBe(1);
    shelf.ask("node");
    await shelf.prebuild("all");
    await settled();
    expect(opened()).toEqual(["python", "node", "shell"]);
  });

  it("a template that comes too late is closed", async () => {
    const { shelf, last } = setUp();
    const made = shelf.openDefault();
    const late = last().succeed();
    const stopped = shelf.stop();
    await expect(made).rejects.toThrow();
    await stopped;
    expect(late.closed).toBe(1);
  });
});

import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Session } from "@zeroboot/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { defaultHome, homeLayout } from "../../native/guest/build/index.js";
import { OWN_RECIPE } from "../helpers/own-template.js";
import { poll } from "../helpers/poll.js";
import { type Ended, zeroboot } from "../helpers/program.js";
import { RawClient } from "../helpers/raw-client.js";
import { ServerProcess } from "../helpers/server-process.js";

const layout = homeLayout(defaultHome());
const NAME = "own-test";
/** A boot and its capture, where a processor is emulated in software. */
const MADE_WITHIN_MS = 900_000;
const build = (memoryMb: number): Promise<Ended> =>
  zeroboot(["template", "build", "--name", NAME, "--from", OWN_RECIPE, "--memory-mb", String(memoryMb)]);
const snapshots = (): string[] => readdirSync(layout.templates).filter((name) => name.startsWith(`${NAME}-`));

function forget(): void {
  rmSync(join(layout.recipes, NAME), { recursive: true, force: true });
  mkdirSync(layout.templates, { recursive: true });
  for (const name of snapshots()) rmSync(join(layout.templates, name));
}

beforeAll(forget);
afterAll(() => {
  forget();
  rmSync(join(layout.recipes, "own-broken"), { recursive: true, force: true });
});

describe("a template of one's own", { timeout: MADE_WITHIN_MS }, () => {
  it.each([
    [
      "raises",
      192,
      /^zeroboot: the preload of own-test failed: ValueError: \d+ MiB are not enough \(preload_failed\)$/m,
    ],
    ["does not end", 128, /^zeroboot: the preload of own-test failed: Timeout \(0:00:20\)! \(preload_failed\)$/m],
    ["has too little memory", 96, /^zeroboot: the preload of own-test failed: .*Out of memory.*\(preload_failed\)$/m],
  ])("whose preload %s is not made, and the guest says why", async (_, memoryMb, why) => {
    const built = await build(memoryMb);
    expect(built.stderr).toMatch(why);
    // The traceback, from the guest.
    if (memoryMb > 100) expect(built.stderr).toMatch(/^ {2}guest: .*File "<preload>", line \d+ in begin|, in begin$/m);
    expect(built).toMatchObject({ exitCode: 125, stdout: "" });
    expect((await zeroboot(["template", "list"])).stdout).not.toContain(NAME);
    expect(snapshots()).toEqual([]);
    expect(existsSync(join(layout.recipes, NAME))).toBe(false);
  });

  it("is made of a recipe and kept", async () => {
    const built = await build(256);
    expect(built, built.stderr).toMatchObject({ exitCode: 0 });
    expect((await zeroboot(["template", "list"])).stdout).toMatch(/^own-test +CPython 3\.11.*, 256 MiB/m);
    const { stdout } = await zeroboot(["template", "inspect", NAME]);
    for (const field of ["kernel", "root image", "on disk", "image ", "working set", "made", "python3-roman 3."]) {
      expect(stdout).toContain(field);
    }
  });

  it("begins each fork with what its preload made", async () => {
    const ran = await zeroboot(["exec", "--template", NAME, "print(count, words, roman.toRoman(9), len(dir()))"]);
    expect(ran, ran.stderr).toMatchObject({ exitCode: 0, stderr: "" });
    expect(ran.stdout).toMatch(/^IV \['one', 'two', 'three', 'four'\] IX \d+$/m);
  });
});

describe("a server with several templates", { timeout: MADE_WITHIN_MS }, () => {
  let server: ServerProcess;
  beforeAll(async () => {
    // Told of as failed when it is asked for: its container is not there.
    const broken = { name: "own-broken", extends: "python", container: { kind: "tar", path: "/no/such.tar" } };
    mkdirSync(join(layout.recipes, broken.name), { recursive: true });
    writeFileSync(join(layout.recipes, broken.name, "recipe.json"), JSON.stringify(broken));
    // Not its recipe: the server has to make it.
    for (const name of snapshots()) rmSync(join(layout.templates, name));
    server = await ServerProcess.ready(["--templates", `${NAME},${broken.name}`]);
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  it("is ok with its default one, and names the others", async () => {
    expect((await server.health()).body).toMatchObject({
      status: "ok",
      templates: { python: { ready: true, state: "ready" }, [NAME]: { ready: false, memory_mb: 0, state: "absent" } },
    });
    expect(server.stdout).toMatch(/^ {2}also {5}own-test, own-broken/m);
  });

  it("makes another when it is asked for, and says how far it is", async () => {
    const refused = new RawClient(server.url, { query: `?template=${NAME}` });
    expect(await refused.closed).toEqual({ code: 4504, reason: "template_building" });
    expect(refused.frames).toEqual([
      { type: "failure", code: "template_building", message: expect.stringContaining("own-test is being made") },
    ]);
    const connecting = Session.connect({ url: server.url, template: NAME });
    await expect(connecting).rejects.toMatchObject({ code: "template_building" });
    const progress = await poll("progress", MADE_WITHIN_MS, async () => {
      const { state, progress: found } = (await server.health()).body.templates[NAME] ?? {};
      if (state === "ready") throw new Error("ready before any progress was seen");
      return found?.step === "template" && (found.percent ?? 0) > 0 ? found : undefined;
    });
    expect(progress).toMatchObject({ title: expect.stringContaining("step 1 of 1") });
  });

  it("goes on with its default one meanwhile, and zeroboot exec waits", async () => {
    const waits = zeroboot(["exec", "--url", server.url, "--template", NAME, "print(count)"]);
    expect(await zeroboot(["exec", "--url", server.url, "print(1)"])).toMatchObject({ exitCode: 0, stdout: "1\n" });
    const ran = await waits;
    expect(ran, ran.stderr).toMatchObject({ exitCode: 0, stdout: "IV\n" });
    expect(ran.stderr).toContain("waiting for the server's template");
    expect((await server.health()).body.templates[NAME]).toEqual({ ready: true, memory_mb: 256, state: "ready" });
    await using session = await Session.connect({ url: server.url, template: NAME });
    expect(session.template).toBe(NAME);
  });

  it("says so of one that cannot be made, and goes on", async () => {
    const first = new RawClient(server.url, { query: "?template=own-broken" });
    expect((await first.closed).reason).toBe("template_building");
    await poll("failed", MADE_WITHIN_MS, async () =>
      (await server.health()).body.templates["own-broken"]?.state === "failed" ? true : undefined,
    );
    const second = new RawClient(server.url, { query: "?template=own-broken" });
    expect(await second.closed).toEqual({ code: 4505, reason: "template_failed" });
    expect((await server.health()).body.templates["own-broken"]).toMatchObject({ error: "container_invalid" });
    expect(await zeroboot(["exec", "--url", server.url, "print(2)"])).toMatchObject({ exitCode: 0, stdout: "2\n" });
    const unknown = new RawClient(server.url, { query: "?template=cobol" });
    expect((await unknown.closed).reason).toBe("template_unknown");
  });

  it("stops with nothing left", async () => {
    expect(await server.stop("SIGTERM")).toEqual({ exitCode: 0, signal: null });
  });
});

describe("zeroboot template remove", { timeout: MADE_WITHIN_MS }, () => {
  it("removes one's own altogether", async () => {
    const removed = await zeroboot(["template", "remove", NAME]);
    expect(removed, removed.stderr).toMatchObject({ exitCode: 0 });
    expect(snapshots()).toEqual([]);
    expect(existsSync(join(layout.recipes, NAME))).toBe(false);
    expect((await zeroboot(["template", "inspect", NAME])).stderr).toContain("template_unknown");
    const served = await zeroboot(["serve", "--port", "0", "--templates", NAME]);
    expect(served).toMatchObject({ exitCode: 125, stderr: expect.stringContaining("config_invalid") });
  });
});

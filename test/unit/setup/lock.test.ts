import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { describeOwner, tryLock, withLock } from "../../../native/guest/build/lock.js";
import { type Progress, silentProgress } from "../../../native/guest/build/progress.js";

let directory: string;
let children: ChildProcess[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "zeroboot-lock-"));
  children = [];
});
afterEach(async () => {
  for (const child of children) child.kill("SIGKILL");
  await rm(directory, { recursive: true, force: true });
});

const options = (progress: Progress = silentProgress) => ({
  directory,
  name: "artefact",
  doing: "building an artefact",
  progress,
});

/** Another process that takes the lock, says so, and keeps it; `orphan` leaves a child that has the lock's descriptor. */
async function holder(orphan = false): Promise<ChildProcess> {
  const child = spawn(
    process.execPath,
    ["--import", "tsx", resolve(__dirname, "lock-holder.ts"), directory, String(orphan)],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  children.push(child);
  const [line] = (await once(child.stdout as NodeJS.ReadableStream, "data")) as [Buffer];
  expect(line.toString()).toMatch(/^held/);
  return child;
}

describe("withLock", () => {
  it("lets one at a time in, in this process too", async () => {
    let inside = 0;
    let most = 0;
    const body = async (): Promise<void> => {
      inside += 1;
      most = Math.max(most, inside);
      await new Promise((done) => setImmediate(done));
      inside -= 1;
    };
    await Promise.all([1, 2, 3].map(() => withLock(options(), body)));
    expect(most).toBe(1);
  });

  it("is free again after the body failed", async () => {
    await expect(withLock(options(), () => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
    await expect(withLock(options(), () => Promise.resolve(7))).resolves.toBe(7);
  });

  it("waits for another process, says for whom, and takes over when that is killed with SIGKILL", async () => {
    const other = await holder();
    const notes: string[] = [];
    const waited = withLock(options({ ...silentProgress, note: (text) => notes.push(text) }), async () => "mine");
    await expect.poll(() => notes.length, { timeout: 5000 }).toBe(1);
    expect(notes[0]).toContain(`process ${other.pid}`);
    expect(notes[0]).toContain("building in another process");
    expect(notes[0]).toMatch(/since \d\d:\d\d:\d\d/);
    other.kill("SIGKILL");
    await expect(waited).resolves.toBe("mine");
    expect(JSON.parse(await readFile(join(directory, "artefact.lock"), "utf8"))).toMatchObject({ pid: process.pid });
  });

  it("does not take over while a child of the killed holder still works", async () => {
    const other = await holder(true);
    other.kill("SIGKILL");
    await once(other, "exit");
    expect(await tryLock(options(), async () => undefined)).toBe(false);
    const orphan = Number(await readFile(join(directory, "orphan.pid"), "utf8"));
    const waited = withLock(options(), async () => "mine");
    process.kill(orphan, "SIGKILL");
    await expect(waited).resolves.toBe("mine");
  });

  it("stops waiting when aborted", async () => {
    await holder();
    const controller = new AbortController();
    const notes: string[] = [];
    const waited = withLock(
      { ...options({ ...silentProgress, note: (text) => notes.push(text) }), signal: controller.signal },
      async () => undefined,
    );
    await expect.poll(() => notes.length, { timeout: 5000 }).toBe(1);
    controller.abort();
    await expect(waited).rejects.toMatchObject({ code: "interrupted" });
  });

  it("refuses a name that would be a path", async () => {
    await expect(withLock({ ...options(), name: "../x" }, async () => undefined)).rejects.toThrow(TypeError);
  });
});

describe("tryLock", () => {
  it("does nothing while another holds the lock", async () => {
    await withLock(options(), async () => {
      expect(await tryLock(options(), () => Promise.reject(new Error("must not run")))).toBe(false);
    });
    expect(await tryLock(options(), async () => undefined)).toBe(true);
  });
});

it("describes an unreadable owner", () => {
  expect(describeOwner(undefined)).toBe("another process");
});

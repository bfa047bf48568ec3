import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { ApiKeys } from "../../../../server/src/access/api-keys.js";
import { loadApiKeys } from "../../../../server/src/access/key-files.js";
import { KeyRing } from "../../../../server/src/access/key-ring.js";

async function directory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "zeroboot-keys-"));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
}

async function fileOf(text: string): Promise<string> {
  const path = join(await directory(), "keys.json");
  await writeFile(path, text);
  return path;
}

const load = (file: string, variable?: string) => loadApiKeys({ file, variable });

describe("API keys", () => {
  it("are known whole and as they are", () => {
    const keys = new ApiKeys([{ key: "alpha" }, { key: "beta" }]);
    expect(keys.find("alpha")).toMatchObject({ isDemo: false, name: undefined });
    expect(["alph", "alphaa", "Alpha", ""].map((key) => keys.find(key))).toEqual(Array(4).fill("unauthorized"));
  });

  it("have a name for people, and an id that does not give them away", () => {
    const keys = new ApiKeys([{ key: "zb_demo_1", name: "web site" }, { key: "zb_live_1" }]);
    expect(keys.find("zb_demo_1")).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{16}$/),
      name: "web site",
      isDemo: true,
      role: "user",
    });
    expect(keys.find("zb_live_1")).toMatchObject({ isDemo: false });
  });

  it("end at their time", () => {
    const keys = new ApiKeys([{ key: "a", expiresAt: 1000 }]);
    expect(keys.find("a", 999)).toMatchObject({ isDemo: false });
    expect(keys.find("a", 1000)).toBe("key_expired");
  });

  it("are read from a JSON array of strings and objects, and from a variable", async () => {
    const file = await fileOf('["a-1", {"key": "b_2", "name": "B", "expiresAt": "2020-01-01T00:00:00Z"}]\n');
    const keys = load(file, '["c"]');
    expect(keys?.find("a-1")).toMatchObject({ isDemo: false });
    expect(keys?.find("b_2")).toBe("key_expired");
    expect(keys?.find("c")).toMatchObject({ isDemo: false });
    expect(keys?.find("d")).toBe("unauthorized");
  });

  it.each([
    "",
    "[",
    "{}",
    '"a"',
    "[1]",
    '["a", null]',
    "[]",
    '[""]',
    '["a b"]',
    '["ä"]',
    '["a\\n"]',
    "\ufeff[]",
    '[{"name": "a"}]',
    '[{"key": "a", "expiresAt": "tomorrow"}]',
    '[{"key": "a", "expires": 1}]',
  ])("do not open the server when the file holds %j", async (text) => {
    const path = await fileOf(text);
    expect(() => load(path)).toThrow(
      expect.objectContaining({ code: "api_keys_invalid", message: expect.stringContaining(path) }),
    );
  });

  it("are not in the error about them", async () => {
    const path = await fileOf('["secret-1", "bad key"]');
    expect(() => load(path)).toThrow(expect.not.objectContaining({ message: expect.stringMatching(/secret|bad key/) }));
  });

  it("stop the server when the file that was named is not there", async () => {
    const path = join(await directory(), "missing.json");
    expect(() => load(path)).toThrow(expect.objectContaining({ code: "api_keys_invalid" }));
  });
});

describe("keys that change while the server runs", () => {
  it("are in force once read anew; broken or missing ones leave the old", () => {
    let source: (() => ApiKeys | undefined) | undefined;
    const ring = new KeyRing(() => (source === undefined ? new ApiKeys([{ key: "a" }]) : source()));
    source = () => new ApiKeys([{ key: "b" }]);
    expect(ring.reload()).toBe(true);
    expect([ring.keys?.find("a"), ring.keys?.find("b")]).toEqual(["unauthorized", expect.objectContaining({})]);
    source = () => undefined;
    expect(ring.reload()).toBe(false);
    source = () => {
      throw new TypeError("broken");
    };
    expect(() => ring.reload()).toThrow("broken");
    expect(ring.keys?.find("b")).toMatchObject({ isDemo: false });
  });
});

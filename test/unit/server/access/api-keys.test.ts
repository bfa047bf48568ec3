import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { ApiKeys, loadApiKeys } from "../../../../server/src/access/api-keys.js";

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

describe("API keys", () => {
  it("are known whole and as they are", () => {
    const keys = new ApiKeys(["alpha", "beta"]);
    expect(["alpha", "beta", "alph", "alphaa", "Alpha", ""].map((key) => keys.has(key))).toEqual([
      true,
      true,
      false,
      false,
      false,
      false,
    ]);
  });

  it("are read from a JSON array of strings", async () => {
    const keys = loadApiKeys(await fileOf('["a-1", "b_2"]\n'));
    expect([keys?.has("a-1"), keys?.has("b_2"), keys?.has("c")]).toEqual([true, true, false]);
  });

  it.each(["", "[", "{}", '"a"', "[1]", '["a", null]', "[]", '[""]', '["a b"]', '["ä"]', '["a\\n"]', "\ufeff[]"])(
    "do not open the server when the file holds %j",
    async (text) => {
      const path = await fileOf(text);
      expect(() => loadApiKeys(path)).toThrow(
        expect.objectContaining({ code: "api_keys_invalid", message: expect.stringContaining(path) }),
      );
    },
  );

  it("stop the server when the file that was named is not there", async () => {
    const path = join(await directory(), "missing.json");
    expect(() => loadApiKeys(path)).toThrow(expect.objectContaining({ code: "api_keys_invalid" }));
  });
});

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { checkUwsModule } from "../../../../server/src/transport/uws-module.js";

const NODE_22 = { platform: "linux", arch: "x64", versions: { node: "22.11.0", modules: "127" } };

/** A directory with a module in it that would import the package, until the test is over. */
async function importer(): Promise<{ readonly directory: string; readonly url: string }> {
  const directory = await mkdtemp(join(tmpdir(), "zeroboot-uws-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  return { directory, url: pathToFileURL(join(directory, "main.js")).href };
}

describe("the native module of uWebSockets.js", () => {
  it("is the pinned one, for every Node that is served", () => {
    for (const [node, modules] of [
      ["20.11.0", "115"],
      ["22.11.0", "127"],
    ] as const) {
      const { path, sha256 } = checkUwsModule({ ...NODE_22, versions: { node, modules } });
      expect(path).toMatch(new RegExp(`uWebSockets\\.js/dist/bin/uws_linux_x64_${modules}\\.node$`));
      expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    }
  });

  it("is refused when its bytes are not those that are pinned", async () => {
    const { directory, url } = await importer();
    const path = join(directory, "node_modules/uWebSockets.js/dist/bin/uws_linux_x64_127.node");
    await mkdir(join(path, ".."), { recursive: true });
    await writeFile(path, "\x7fELF, but another");
    expect(() => checkUwsModule(NODE_22, url)).toThrow(
      expect.objectContaining({ code: "native_module_mismatch", message: expect.stringContaining(path) }),
    );
  });

  it("is missed by name when the package came without it", async () => {
    const { directory, url } = await importer();
    await mkdir(join(directory, "node_modules/uWebSockets.js"), { recursive: true });
    expect(() => checkUwsModule(NODE_22, url)).toThrow(
      expect.objectContaining({ code: "native_module_missing", remedy: expect.stringContaining("npm install") }),
    );
  });

  it("is missed when the package is not installed", async () => {
    const { url } = await importer();
    expect(() => checkUwsModule(NODE_22, url)).toThrow(expect.objectContaining({ code: "native_module_missing" }));
  });

  it.each([
    ["Node 24", { ...NODE_22, versions: { node: "24.1.0", modules: "137" } }, "Node 24.1.0 on linux x64"],
    ["Node 18", { ...NODE_22, versions: { node: "18.20.0", modules: "108" } }, "Node 18.20.0 on linux x64"],
    ["macOS", { ...NODE_22, platform: "darwin" }, "Node 22.11.0 on darwin x64"],
    ["ARM", { ...NODE_22, arch: "arm64" }, "Node 22.11.0 on linux arm64"],
  ])("does not exist for %s, and the error says what to use", (_, node, named) => {
    expect(() => checkUwsModule(node)).toThrow(
      expect.objectContaining({
        code: "node_unsupported",
        message: `the WebSocket server has no native module for ${named}`,
        remedy: "Use Node 20 or 22 on Linux x86-64.",
      }),
    );
  });
});

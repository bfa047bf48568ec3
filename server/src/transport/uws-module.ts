import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { ServerError } from "../errors.js";

/**
 * SHA-256 of the native modules that may be loaded, by file name: those of uws-pack 20.0.8.
 * They run with the rights of the process that owns /dev/kvm and come as binaries, so that
 * exactly these, read once and compared, are what is trusted.
 */
const PINNED: Readonly<Record<string, string>> = {
  "uws_linux_x64_115.node": "6f8d96d761a64beddb060f1f7f0e617dd293ed127ec1d57507aa561a0083171e",
  "uws_linux_x64_127.node": "8cabc918bbf9a07323e54f89a33882491080b2eb35df0607f473ccdb1f3c31af",
};

const PACKAGE = "uWebSockets.js";
const REINSTALL = "Remove node_modules and run npm install again.";

export type UwsModule = typeof import("uWebSockets.js");

/** What a native module is made for. */
export interface NodeRuntime {
  readonly platform: string;
  readonly arch: string;
  readonly versions: { readonly node: string; readonly modules: string };
}

/** Where the native module for this Node lies, and whether it is the one that is pinned. */
export interface UwsModuleCheck {
  readonly path: string;
  readonly sha256: string;
}

/**
 * Find and check the native module of uWebSockets.js without loading it.
 * @param importer URL of the module that would import the package
 * @throws ServerError `node_unsupported`, `native_module_missing`, `native_module_mismatch`
 */
export function checkUwsModule(node: NodeRuntime = process, importer: string = import.meta.url): UwsModuleCheck {
  const { platform, arch, versions } = node;
  const name = `uws_${platform}_${arch}_${versions.modules}.node`;
  const pinned = PINNED[name];
  if (pinned === undefined) {
    throw new ServerError(
      "node_unsupported",
      `the WebSocket server has no native module for Node ${versions.node} on ${platform} ${arch}`,
      { remedy: "Use Node 20 or 22 on Linux x86-64." },
    );
  }
  const path = join(packageDirectory(importer), "dist", "bin", name);
  const sha256 = createHash("sha256").update(readModule(path)).digest("hex");
  if (sha256 !== pinned) {
    throw new ServerError("native_module_mismatch", `${path} is not the file this version was made with`, {
      remedy: REINSTALL,
    });
  }
  return { path, sha256 };
}

/** Check, then load. @throws ServerError as {@link checkUwsModule} */
export async function loadUws(): Promise<UwsModule> {
  checkUwsModule();
  return import("uWebSockets.js");
}

/** The package's directory: it exports no path that could be resolved by the name of a file. */
function packageDirectory(importer: string): string {
  const candidates = createRequire(importer).resolve.paths(PACKAGE) ?? [];
  const found = candidates.map((modules) => join(modules, PACKAGE)).find((directory) => existsSync(directory));
  if (found === undefined) {
    throw new ServerError("native_module_missing", `the package ${PACKAGE} is not installed`, { remedy: REINSTALL });
  }
  return found;
}

function readModule(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new ServerError("native_module_missing", `${path} cannot be read`, { remedy: REINSTALL, cause });
  }
}

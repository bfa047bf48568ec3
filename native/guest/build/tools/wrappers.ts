import { existsSync } from "node:fs";
import { chmod, mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { TOOLS, type ToolName } from "./spec.js";

/**
 * The loader of the host starts private programs, with the private libraries named on its
 * command line: unlike LD_LIBRARY_PATH that does not leak into the programs they start in turn
 * (make starts the host's compiler).
 */
const LOADER = "/lib64/ld-linux-x86-64.so.2";
const LIBRARY_DIRECTORIES = ["usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu", "usr/lib", "lib"];

/** Quote for sh. */
export function shellQuote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * Make `directory/bin`, with one starter per tool whose packages were unpacked below
 * `directory/root`. The starters hold absolute paths: `finalDirectory` is where it will be.
 */
export async function writeWrappers(
  directory: string,
  finalDirectory: string,
  tools: readonly ToolName[],
): Promise<void> {
  await mkdir(join(directory, "bin"), { recursive: true });
  const root = join(finalDirectory, "root");
  const libraries = LIBRARY_DIRECTORIES.map((path) => join(root, path)).join(":");
  for (const name of tools) {
    const spec = TOOLS[name];
    if (!("program" in spec)) continue;
    const start = [LOADER, "--argv0", name, "--library-path", libraries, join(root, spec.program)];
    const text = `#!/bin/sh\nexec ${start.map(shellQuote).join(" ")} "$@"\n`;
    await writeFile(join(directory, "bin", name), text);
    await chmod(join(directory, "bin", name), 0o755);
  }
  if (tools.includes("libelf")) await writeLibelf(directory, root);
}

/**
 * Make the private libelf findable through the kernel's one question for it, `pkg-config libelf`,
 * and link it statically, so that objtool runs without a library path.
 */
async function writeLibelf(directory: string, root: string): Promise<void> {
  const archives = join(directory, "static");
  await mkdir(archives, { recursive: true });
  const libraries = join(directory, "root/usr/lib/x86_64-linux-gnu");
  for (const file of await readdir(libraries)) {
    if (/^lib(elf|z|zstd)\.a$/.test(file)) {
      await symlink(join("../root/usr/lib/x86_64-linux-gnu", file), join(archives, file));
    }
  }
  const zstd = existsSync(join(libraries, "libzstd.a")) ? " -lzstd" : "";
  const finalArchives = join(root, "../static");
  const include = shellQuote(`-I${join(root, "usr/include")}`);
  const link = shellQuote(`-L${finalArchives} -lelf -lz${zstd}`);
  const text = `#!/bin/sh\ncase "$*" in\n"libelf --cflags") echo ${include} ;;\n"libelf --libs") echo ${link} ;;\n*) exit 1 ;;\nesac\n`;
  await writeFile(join(directory, "bin/libelf-config"), text);
  await chmod(join(directory, "bin/libelf-config"), 0o755);
}

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileError, SetupError } from "../errors.js";

/** A change to Debian's kernel source. */
export interface SourceEdit {
  /** Relative to the tree. */
  readonly file: string;
  /** Where it is made: text that is in the file once. */
  readonly before: string;
  readonly after: string;
}

/**
 * A tick every 40 ms, which Linux offers nobody. One costs a busy guest 2.4 ms where its kernel is emulated: at 100 Hz,
 * the least there is to choose, a fifth of all its time.
 */
export const SOURCE_EDITS: readonly SourceEdit[] = [
  {
    file: "kernel/Kconfig.hz",
    before: '\tconfig HZ_100\n\t\tbool "100 HZ"\n',
    after: '\tconfig HZ_25\n\t\tbool "25 HZ"\n\tconfig HZ_100\n\t\tbool "100 HZ"\n',
  },
  {
    file: "kernel/Kconfig.hz",
    before: "\tdefault 100 if HZ_100\n",
    after: "\tdefault 25 if HZ_25\n\tdefault 100 if HZ_100\n",
  },
];

/** @throws SetupError `config_rejected` if a place is not there */
export async function editSources(tree: string, edits: readonly SourceEdit[] = SOURCE_EDITS): Promise<void> {
  for (const { file, before, after } of edits) {
    const path = join(tree, file);
    const text = await readFile(path, "utf8").catch((error: unknown) => {
      throw fileError(error, `reading ${path}`);
    });
    if (text.split(before).length !== 2) {
      throw new SetupError("config_rejected", `${file} of the kernel's source is not what our changes are made for`, {
        remedy: "Adapt native/guest/build/kernel/source-edits.ts to it.",
      });
    }
    await writeFile(
      path,
      text.replace(before, () => after),
    ).catch((error: unknown) => {
      throw fileError(error, `writing ${path}`);
    });
  }
}

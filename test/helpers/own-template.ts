import { join } from "node:path";
import {
  defaultHome,
  ensureArtefacts,
  homeLayout,
  type Progress,
  packageRoot,
} from "../../native/guest/build/index.js";
import { stageOwnTemplate } from "../../server/src/templates/own-template.js";

/** A recipe whose preload does, by the guest's memory, each of the things a preload may do. */
export const OWN_RECIPE = join(packageRoot(), "test/own-template/recipe.json");

/** Make the root image of {@link OWN_RECIPE} where there is a network, and a processor that is not emulated. */
export async function ensureOwnImage(progress: Progress, signal: AbortSignal): Promise<void> {
  const staged = await stageOwnTemplate(homeLayout(defaultHome()), {
    name: "own-test",
    from: OWN_RECIPE,
    packages: [],
  });
  try {
    await ensureArtefacts({ template: staged.name, staged: staged.directory, progress, signal });
  } finally {
    await staged.discard();
  }
}

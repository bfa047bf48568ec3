/**
 * From a fresh machine to one that can boot guests: the kernel and the root images, each built
 * once from Debian packages, kept by content below `$ZEROBOOT_HOME`.
 */
export {
  type ArtefactOptions,
  type Artefacts,
  ensureArtefacts,
  planArtefacts,
  STEP_KERNEL,
  STEP_ROOT,
} from "./artefacts.js";
export { type FreeBytes, freeBytesOnDisk, REQUIRED_FREE_BYTES, requireFreeSpace } from "./disk.js";
export { inspectSetup, type SetupFinding } from "./doctor.js";
export { SetupError, type SetupErrorCode } from "./errors.js";
export { findKernel, findRootImage, type RootImage } from "./found.js";
export { defaultHome, type HomeLayout, homeLayout, packageRoot } from "./home.js";
export { type HeldLock, type LockOptions, withLock } from "./lock.js";
export type { Manifest } from "./manifest.js";
export { isOwnRecipe, removeOwnRecipe, StagedRecipe } from "./own-recipes.js";
export { secondsLeft } from "./pace.js";
export {
  bothOf,
  formatBytes,
  formatDuration,
  formatPlan,
  type Plan,
  type PlanStep,
  type Progress,
  partOf,
  silentProgress,
} from "./progress.js";
export { TextProgress } from "./progress-text.js";
export { publishDirectory, publishFile } from "./publish.js";
export { isBuiltIn, type OwnRecipes, type Recipe, recipeNames } from "./root/recipe.js";

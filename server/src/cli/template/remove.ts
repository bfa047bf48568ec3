import { isOwnRecipe, removeOwnRecipe } from "../../../../native/guest/build/index.js";
import { listSnapshots, removeSnapshot } from "../../templates/snapshot-files.js";
import { EXIT } from "../exit-codes.js";
import { layout, print, snapshotsOf } from "./kept.js";

/** Snapshots; of a template of the user's own all of it. @throws ServerError `template_unknown`; SetupError */
export async function remove(name: string): Promise<number> {
  const isOwn = await isOwnRecipe(layout(), name);
  const removed = isOwn ? await removeOwnRecipe(layout(), name) : [];
  const files = isOwn ? await listSnapshots(layout().templates, name) : await snapshotsOf(name);
  for (const file of files) await removeSnapshot(file);
  print([...files.map((file) => file.path), ...removed].map((path) => `removed ${path}`));
  return EXIT.ok;
}

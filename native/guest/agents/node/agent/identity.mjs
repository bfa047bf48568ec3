/** What makes a fork itself, before any of the user's code runs, is taken by the addon; here it is told where. */
import { link } from "./link.mjs";
import { randomState } from "./random.mjs";

/** Where /etc/machine-id leads. */
const MACHINE_ID = "/run/machine-id";

export function prepareIdentity() {
  link.mapMachineId(MACHINE_ID);
  link.mapRandomState(randomState);
}

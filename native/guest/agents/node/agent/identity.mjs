/** What makes a fork itself: its own randomness, the right time, a machine id, before any of the user's code runs. */
import { GUEST, IDENTITY_SEEDS_OFFSET, link } from "./link.mjs";
import { seed } from "./random.mjs";

/** Where /etc/machine-id leads. */
const MACHINE_ID = "/run/machine-id";
/** Exit code of an agent that could not take its identity: the host ends the fork. */
const IDENTITY_REFUSED = 70;

const reallyExit = process.reallyExit.bind(process);

export function prepareIdentity() {
  link.mapMachineId(MACHINE_ID);
}

export function takeIdentity(flags, payload) {
  try {
    link.takeIdentity(flags, payload);
    seed(payload.subarray(IDENTITY_SEEDS_OFFSET));
  } catch {
    reallyExit(IDENTITY_REFUSED);
  }
  link.send(GUEST.IDENTITY, 0, 0, "");
}

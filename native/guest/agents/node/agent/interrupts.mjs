/** SIGINT: ends the cell it is meant for, or calls the cells' own handler. */
import * as cells from "./cell.mjs";
import { link } from "./link.mjs";

/** On the event loop, after a signal or when something was broken off where nobody was guarding. */
function look() {
  const shielded = link.shield(true);
  try {
    cells.stopped();
    if (!cells.isRunning() || !link.takeInterrupt()) return;
    if (process.listenerCount("SIGINT") > 0) {
      link.shield(false);
      process.emit("SIGINT", "SIGINT", 2);
    } else {
      cells.interrupt();
    }
  } finally {
    link.shield(shielded);
  }
}

export { look };

export function installInterrupts() {
  // Node would put its own handler of the signal in place of ours, which tells a late one from one that is due.
  for (const [event, hook] of [
    ["newListener", "startListeningIfSignal"],
    ["removeListener", "stopListeningIfSignal"],
  ]) {
    const original = process.listeners(event).find((of) => of.name === hook);
    process.removeListener(event, original);
    process.on(event, (name, ...rest) => {
      if (name !== "SIGINT") original(name, ...rest);
      else link.listen(event === "newListener" || process.listenerCount("SIGINT") > 0);
    });
  }
  link.setLook(look);
}

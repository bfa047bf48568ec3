import type { ServerFrame } from "./frames.js";
import { utf8Length } from "./utf8.js";

/**
 * What a frame costs in credit, bytes: its payload, and nothing for what is not output. Both
 * sides count by this one function, so that the balance never drifts.
 */
export function creditCost(frame: ServerFrame): number {
  switch (frame.type) {
    case "stdout":
    case "stderr":
      return frame.data.length;
    case "result":
    case "display":
      return Object.values(frame.bundle).reduce((sum, part) => sum + sizeOf(part), 0);
    case "error":
      return utf8Length(frame.name) + utf8Length(frame.message) + utf8Length(frame.traceback);
    default:
      return 0;
  }
}

function sizeOf(part: string | Uint8Array): number {
  return typeof part === "string" ? utf8Length(part) : part.length;
}

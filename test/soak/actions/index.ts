import type { Action } from "../visit.js";
import { CELLS } from "./cells.js";
import { CHILDREN } from "./children.js";
import { FLOW } from "./flow.js";
import { INPUT } from "./input.js";
import { QUESTIONS } from "./questions.js";
import { QUEUEING } from "./queueing.js";
import { RESTARTS } from "./restarts.js";
import { STATE } from "./state.js";
import { STOPPING } from "./stopping.js";

/** Everything a user does in a session. */
export const ACTIONS: readonly Action[] = [
  ...CELLS,
  ...STATE,
  ...INPUT,
  ...STOPPING,
  ...FLOW,
  ...QUEUEING,
  ...CHILDREN,
  ...QUESTIONS,
  ...RESTARTS,
];

import { destination, pino } from "pino";
import type { Logger, LogLevel } from "./logger.js";

/** One JSON object a line, to stderr: stdout is for what a command answers. */
export function createLogger(level: LogLevel): Logger {
  return pino({ level, base: { pid: process.pid } }, destination({ fd: 2, sync: true }));
}

/** What both builds export, besides their own `Session`. */
export * from "./errors.js";
export { Execution, type ExecutionError, type ExecutionResult } from "./execution.js";
export type { ConnectOptions, InputRequest, RunOptions } from "./options.js";
export type { OutputStream } from "./output.js";
export { FAILURES, type FailureCode, type FailureInfo, failureInfo } from "./protocol/codes.js";
export type { ExecutionStatus, MimeBundle, SessionLimits } from "./protocol/frames.js";

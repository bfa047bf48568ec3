/** What both builds export, besides their own `Session`. */
export * from "./errors.js";
export { Execution, type ExecutionError, type ExecutionResult, type InterruptOptions } from "./execution.js";
export type { ConnectOptions, InputRequest, RunOptions, SessionRestart } from "./options.js";
export type { OutputStream } from "./output.js";
export type { OutputEvent } from "./output-events.js";
export { FAILURES, type FailureCode, type FailureInfo, failureInfo } from "./protocol/codes.js";
export type { ExecutionStatus, MimeBundle, SessionLimits, StoppedBy } from "./protocol/frames.js";
export type { CodeCheck, Completion, Inspection } from "./questions.js";
export type { RunFields, RunResult } from "./rest/result.js";
export type { BatchResult, SandboxHealth, SandboxOptions, SandboxRunOptions } from "./rest/sandbox.js";

export * from "./codec.js";
export * from "./codes.js";
export * from "./credit.js";
export * from "./errors.js";
export * from "./frames.js";
export * from "./limits.js";
export { PrescanError, type PrescanReason, prescan } from "./prescan.js";
export { isWellFormed, toWellFormed, utf8Length } from "./utf8.js";

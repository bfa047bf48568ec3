import type { SessionLimits } from "@zeroboot/sdk";

/**
 * The timeout of a cell that names none: a session's default is meant for notebooks; on a command line it is all that
 * the session allows.
 */
export function longestTimeout({ defaultTimeoutMs, maxTimeoutMs }: SessionLimits): { readonly timeoutMs?: number } {
  return defaultTimeoutMs >= maxTimeoutMs ? {} : { timeoutMs: maxTimeoutMs };
}

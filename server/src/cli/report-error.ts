import { errorCode, errorRemedy } from "../errors.js";
import { kvmRemedy } from "../host/kvm-advice.js";

/** Lines of a guest's console that are shown with an error. */
const CONSOLE_LINES = 12;

/** An error as lines for people: what, its code, what to do, and the guest's last words. */
export function describeError(error: unknown): string[] {
  const code = errorCode(error);
  if (!(error instanceof Error) || code === undefined) {
    // Not one of ours: a bug, whose place is of use.
    return [`zeroboot: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`];
  }
  const lines = [`zeroboot: ${error.message} (${code})`];
  const remedy = errorRemedy(error) ?? remedyOf(code);
  if (remedy !== undefined) lines.push(`  ${remedy}`);
  if ("log" in error && typeof error.log === "string") lines.push(`  Log: ${error.log}`);
  if ("console" in error && typeof error.console === "string") lines.push(...consoleLines(error.console));
  return lines;
}

export function reportError(error: unknown): void {
  process.stderr.write(`${describeError(error).join("\n")}\n`);
}

function remedyOf(code: string): string | undefined {
  switch (code) {
    case "kvm_missing":
    case "kvm_forbidden":
      return kvmRemedy();
    case "kvm_unsuitable":
      return "This host's KVM is too old or too limited; see: zeroboot doctor";
    case "addon_missing":
      return "Run: npm run build:native";
    default:
      return undefined;
  }
}

/** Guest output goes onto the user's terminal: no control characters. */
function consoleLines(text: string): string[] {
  const lines = text
    .split("\n")
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is being removed
    .map((line) => line.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]+/g, ""))
    .filter((line) => line.trim() !== "");
  return lines.slice(-CONSOLE_LINES).map((line) => `  guest: ${line}`);
}

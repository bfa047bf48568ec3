import { SetupError } from "../errors.js";

/** `CONFIG_X=value` lines by symbol; `n` for `# CONFIG_X is not set`. */
export function parseConfig(text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of text.split("\n")) {
    const set = /^(CONFIG_\w+)=(.*)$/.exec(line);
    const unset = /^# (CONFIG_\w+) is not set$/.exec(line);
    if (set?.[1] !== undefined) found.set(set[1], set[2] ?? "");
    else if (unset?.[1] !== undefined) found.set(unset[1], "n");
  }
  return found;
}

/**
 * Check that a finished configuration has everything a fragment asks for. The configuration tool
 * drops silently what lacks a dependency; a guest without, say, DAX would boot and be slow.
 * @throws SetupError `config_rejected` naming every difference
 */
export function requireConfig(fragment: string, finished: string): void {
  const has = parseConfig(finished);
  const wrong: string[] = [];
  for (const [symbol, wanted] of parseConfig(fragment)) {
    const got = has.get(symbol) ?? "n";
    if (got !== wanted) wrong.push(`${symbol} should be ${wanted} and is ${got}`);
  }
  if (wrong.length === 0) return;
  throw new SetupError("config_rejected", `the kernel's configuration differs from guest.config: ${wrong.join("; ")}`, {
    remedy: "Add what these symbols depend on to native/guest/kernel/guest.config.",
  });
}

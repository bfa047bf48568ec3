import { spawnSync } from "node:child_process";

/**
 * Whether to leave out what needs a program that the project itself does not run on, said loudly. `REQUIRE_NAME=1` in
 * the environment, as in `.ci/run`, makes the tests fail there instead.
 * @param program asked for its version, by `args`
 * @param install Debian's package of it
 */
export function leftOutWithout(
  program: string,
  what: string,
  requirement: `REQUIRE_${string}`,
  install: string,
  args: readonly string[] = ["--version"],
): boolean {
  if (process.env[requirement] === "1" || spawnSync(program, args).status === 0) return false;
  console.warn(`\n  ${what.toUpperCase()} IS NOT TESTED: there is no ${program} (${install})\n`);
  return true;
}

import { CommanderError } from "commander";
import { MODULES, type TestModule } from "./modules.js";

/** Code of the error for a name that nothing of the list has. */
export const UNKNOWN_NAME = "cpython.unknown";

/** A module of which all tests are to be run, or those named. */
export interface Choice {
  readonly module: TestModule;
  readonly tests: readonly string[];
}

/**
 * The modules that `--only` names, itself or one of its tests; all of them if it names none.
 * @throws CommanderError for a name that is of no module of the list
 */
export function choose(names: readonly string[]): readonly Choice[] {
  if (names.length === 0) return MODULES.map((module) => ({ module, tests: [] }));
  const ids = names.map((name) => (name.startsWith("test.") ? name : `test.${name}`));
  const unknown = ids.find((id) => !MODULES.some((module) => isIn(id, module)));
  if (unknown !== undefined) {
    throw new CommanderError(2, UNKNOWN_NAME, `--only: no module of the list has ${unknown}`);
  }
  return MODULES.flatMap((module) => {
    const own = ids.filter((id) => isIn(id, module));
    if (own.length === 0) return [];
    return [{ module, tests: own.includes(`test.${module.name}`) ? [] : own }];
  });
}

function isIn(id: string, { name }: TestModule): boolean {
  return id === `test.${name}` || id.startsWith(`test.${name}.`);
}

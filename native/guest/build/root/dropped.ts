import type { DebianPackage } from "../apt/packages.js";

/**
 * A solution without what a recipe drops. What packages that were added to the recipe ask for themselves stays,
 * with what that in turn asks for of the dropped ones: they may need it for more than being installed.
 * @param added names of packages that the recipe's author did not know of
 */
export function withoutDropped(
  all: readonly DebianPackage[],
  drop: readonly string[],
  added: readonly string[],
): DebianPackage[] {
  const dropped = new Set(drop);
  const byName = new Map(all.map((of) => [of.name, of]));
  const wanted = [...added];
  for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
    const isFirst = added.includes(name);
    if (!isFirst && !dropped.delete(name)) continue;
    if (isFirst) dropped.delete(name);
    const of = byName.get(name);
    if (of !== undefined) wanted.push(...dependencies(of).filter((other) => dropped.has(other)));
  }
  return all.filter((of) => !dropped.has(of.name));
}

/** Names in a package's dependencies, alternatives included. */
function dependencies({ fields }: DebianPackage): string[] {
  return [fields["Pre-Depends"], fields.Depends]
    .flatMap((field) => (field ?? "").split(/[,|]/))
    .map((entry) => /^\s*([a-z0-9][a-z0-9+.-]*)/.exec(entry)?.[1])
    .filter((name) => name !== undefined);
}

/**
 * What a recipe is when it extends another, before either was checked: its lists come behind the
 * other's, without what is there already; its records are added to the other's, name by name; all
 * else, and everything below the fields in `replaced`, takes the other's place.
 */
export function extendRecipe(base: unknown, extension: unknown, replaced: readonly string[] = ["template"]): unknown {
  if (Array.isArray(base) && Array.isArray(extension))
    return [...base, ...extension.filter((of) => !base.includes(of))];
  if (!isRecord(base) || !isRecord(extension)) return extension;
  // fromEntries defines: a field named `__proto__` stays a field, for the schema to refuse.
  return Object.fromEntries(
    [...new Set([...Object.keys(base), ...Object.keys(extension)])].map((name) => {
      if (!Object.hasOwn(extension, name)) return [name, base[name]];
      if (!Object.hasOwn(base, name)) return [name, extension[name]];
      return [
        name,
        replaced.includes(name) ? override(base[name], extension[name]) : extendRecipe(base[name], extension[name]),
      ];
    }),
  );
}

/** Field by field, lists included. */
function override(base: unknown, extension: unknown): unknown {
  return isRecord(base) && isRecord(extension) ? { ...base, ...extension } : extension;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

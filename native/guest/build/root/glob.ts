/**
 * A pattern for paths as a regular expression: `*` matches within one name, `**` any number of
 * names, all else stands for itself.
 */
export function globToRegExp(pattern: string): RegExp {
  const source = pattern
    .split("/")
    .map((part) => {
      if (part === "**") return "**";
      return part
        .split("*")
        .map((literal) => literal.replace(/[.+?^${}()|[\]\\]/g, "\\$&"))
        .join("[^/]*");
    })
    .join("/")
    .replaceAll("**/", "(?:[^/]+/)*")
    .replaceAll("/**", "(?:/.*)?")
    .replaceAll("**", ".*");
  return new RegExp(`^${source}$`);
}

/** Whether any of the patterns matches a path. */
export function globMatcher(patterns: readonly string[]): (path: string) => boolean {
  const expressions = patterns.map(globToRegExp);
  return (path) => expressions.some((expression) => expression.test(path));
}

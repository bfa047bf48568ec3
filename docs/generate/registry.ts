/** A code of a registry and what the comment beside it says. */
export interface RegisteredCode {
  readonly code: string;
  /** One sentence. */
  readonly meaning: string;
}

/**
 * The members of a union of string literals, each with its comment, in the source's order: types leave nothing
 * behind at run time, and the comments are where each code is explained.
 * @throws RangeError when there is no such union, or a member has no comment
 */
export function readUnion(source: string, typeName: string): RegisteredCode[] {
  const body = new RegExp(`export type ${typeName} =\\n((?: {2}\\| .*\\n)+)`).exec(source)?.[1];
  if (body === undefined) throw new RangeError(`no union ${typeName}`);
  return body
    .trimEnd()
    .split("\n")
    .map((line) => {
      const [, code, comment] = /^ {2}\| "(\w+)";? \/\/ (.+)$/.exec(line) ?? [];
      if (code === undefined || comment === undefined) throw new RangeError(`${typeName} does not explain:${line}`);
      return { code, meaning: sentence(comment) };
    });
}

/** `a file is missing` -> `A file is missing.` */
function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith(".") ? "" : "."}`;
}

/** What a user saw is not what it must see. Ends the soak. */
export class Mismatch extends Error {
  override readonly name = "Mismatch";
}

/** A test whether two values, as JSON, are the same. @throws Mismatch showing both */
export function same(what: string, actual: unknown, expected: unknown): void {
  const [seen, wanted] = [JSON.stringify(actual) ?? "undefined", JSON.stringify(expected) ?? "undefined"];
  if (seen === wanted) return;
  throw new Mismatch(`${what}: ${shortened(seen)}, expected ${shortened(wanted)}${firstDifference(seen, wanted)}`);
}

/** @throws Mismatch */
export function holds(fact: boolean, what: string): void {
  if (!fact) throw new Mismatch(what);
}

export function shortened(text: string, most = 300): string {
  return text.length <= most ? text : `${text.slice(0, most / 2)}...(${text.length})...${text.slice(-most / 2)}`;
}

function firstDifference(a: string, b: string): string {
  if (a.length < 300 && b.length < 300) return "";
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  return `; they part at ${at}: ${a.slice(at - 20, at + 40)} / ${b.slice(at - 20, at + 40)}`;
}

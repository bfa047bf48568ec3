import type * as z from "zod";
import type { Random } from "../random.js";

/** How often a value is not what its schema asks for. */
const WILD = 0.15;
/** Containers within containers of a random value; more than the protocol allows. */
const MAX_DEPTH = 12;

/** What zod knows of a schema, as far as it is used here. */
interface Definition {
  readonly type: string;
  readonly innerType?: z.core.$ZodType;
  readonly entries?: Readonly<Record<string, string>>;
  readonly values?: readonly unknown[];
}

/** Code for a cell of somebody who means harm, or does not know better. */
export type CodeSource = (random: Random) => string;

/** Values that look as if they were what `schema` asks for, and some that do not. */
export function valueFor(schema: z.core.$ZodType, name: string, random: Random, code: CodeSource): unknown {
  if (random.chance(WILD)) return wildValue(random);
  const definition = schema._zod.def as Definition;
  switch (definition.type) {
    case "literal":
      return random.pick(definition.values ?? []);
    case "enum":
      return random.pick(Object.values(definition.entries ?? {}));
    case "optional":
      return definition.innerType === undefined || random.chance(0.5)
        ? undefined
        : valueFor(definition.innerType, name, random, code);
    case "boolean":
      return random.chance(0.5);
    case "number":
      return random.chance(0.5) ? random.int(0, 1000) : wildNumber(random);
    case "string":
      return name === "code" ? code(random) : identifier(random);
    case "record":
      return Object.fromEntries(
        Array.from({ length: random.int(0, 40) }, () => [
          random.token(random.int(0, 12)),
          random.text(random.int(0, 300)),
        ]),
      );
    default:
      return random.bytes(random.int(0, 2000));
  }
}

/** Few of them, so that some are in use; now and then a giant. */
function identifier(random: Random): string {
  if (random.chance(0.05)) return "g".repeat(random.pick([64, 65, 4096, 1_000_000]));
  if (random.chance(0.1)) return random.text(random.int(0, 70));
  return `h${random.int(1, 40)}`;
}

function wildNumber(random: Random): number {
  const { MAX_SAFE_INTEGER, MAX_VALUE } = Number;
  return random.pick([
    ...[0, -0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, MAX_VALUE, Number.MIN_VALUE],
    ...[MAX_SAFE_INTEGER, -MAX_SAFE_INTEGER, 2 ** 53, 2 ** 63, 2 ** 31, 2 ** 32, 0xffff_ffff, 3_600_000, 16_777_216],
  ]);
}

/** Any value msgpack has a form for: mostly flat, now and then wide or deep. */
export function wildValue(random: Random): unknown {
  if (random.chance(0.6)) return wildLeaf(random);
  if (random.chance(0.1)) return nested(random, random.int(1, MAX_DEPTH));
  const length = random.chance(0.05) ? 400 : random.int(0, 5);
  const leaves = Array.from({ length }, () => (random.chance(0.1) ? [wildLeaf(random)] : wildLeaf(random)));
  return random.chance(0.5) ? leaves : Object.fromEntries(leaves.map((leaf, i) => [`${random.token(3)}${i}`, leaf]));
}

function nested(random: Random, depth: number): unknown {
  if (depth === 0) return wildLeaf(random);
  return random.chance(0.5) ? [nested(random, depth - 1)] : { a: nested(random, depth - 1) };
}

function wildLeaf(random: Random): unknown {
  return random.pick([
    ...[null, undefined, true, false, "", "type", "execute", new Date(0), 1n << 62n],
    ...[random.text(random.int(0, 200)), random.bytes(random.int(0, 200)), random.int(-1000, 1000), wildNumber(random)],
  ]);
}

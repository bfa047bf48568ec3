import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { FAILURES } from "../../../client/src/protocol/codes.js";
import {
  CLIENT_FRAME_TYPES,
  clientFrame,
  SERVER_FRAME_TYPES,
  serverFrame,
} from "../../../client/src/protocol/frames.js";
import * as limits from "../../../client/src/protocol/limits.js";

const page = readFileSync(new URL("../../../docs/protocol.md", import.meta.url), "utf8");

/** Cells of the first table under a heading, row by row, without its header. */
function table(heading: string): string[][] {
  const [, section = ""] = page.split(`\n${heading}\n`);
  const rows =
    section
      .match(/(?:^\|.*\|$\n?)+/m)?.[0]
      .trimEnd()
      .split("\n") ?? [];
  return rows.slice(2).map((row) =>
    row
      .slice(1, -1)
      .split("|")
      .map((cell) => cell.trim()),
  );
}

function size(name: string, value: number): string {
  if (!name.endsWith("_BYTES") || value % 1024 !== 0) return String(value);
  return value % 1024 ** 2 === 0 ? `${value / 1024 ** 2} MiB` : `${value / 1024} KiB`;
}

describe("docs/protocol.md", () => {
  it("has every failure as the registry has it, in its order", () => {
    const expected = Object.entries(FAILURES).map(([code, { closeCode, httpStatus, meaning }]) => [
      `\`${code}\``,
      closeCode === null ? "" : String(closeCode),
      String(httpStatus),
      meaning,
    ]);
    expect(table("## Failures")).toEqual(expected);
  });

  it("has every limit with its value", () => {
    const documented = table("## Limits").map(([name, value]) => [name, value]);
    const expected = Object.entries(limits)
      .filter(([name, value]) => typeof value === "number" && name !== "PROTOCOL_VERSION")
      .map(([name, value]) => [`\`${name}\``, size(name, Number(value))]);
    expect(documented.sort()).toEqual(expected.sort());
  });

  it.each([
    ["### Client to server", clientFrame.options, CLIENT_FRAME_TYPES],
    ["### Server to client", serverFrame.options, SERVER_FRAME_TYPES],
  ] as const)("has every frame and field of %s", (heading, options, types) => {
    const documented = new Map<string, string[]>();
    for (const [names = "", fields = ""] of table(heading)) {
      for (const [, name = ""] of names.matchAll(/`(\w+)`/g)) {
        documented.set(
          name,
          [...fields.matchAll(/`(\w+\??)`/g)].map(([, field = ""]) => field),
        );
      }
    }
    const frames = [...documented].filter(([name]) => types.has(name));
    const expected = options.map(({ shape }) => [
      shape.type.value,
      Object.entries(shape)
        .filter(([field]) => field !== "type")
        .map(([field, schema]) => (isOptional(schema) ? `${field}?` : field)),
    ]);
    expect(Object.fromEntries(frames)).toEqual(Object.fromEntries(expected));
  });
});

function isOptional(schema: { readonly def: { readonly type: string } }): boolean {
  return schema.def.type === "optional";
}

import { describe, expect, it } from "vitest";
import { GuestKind } from "../../../../native/engine.js";
import { SetAside } from "../../../../server/src/session/set-aside.js";

const record = (text: string, kind: number = GuestKind.stdout) => ({
  kind,
  flags: 0,
  execution: 3,
  payload: Buffer.from(text),
});

/** What is there, taken. */
function taken(aside: SetAside): string[] {
  const texts: string[] = [];
  for (let reader = aside.reader(); reader !== undefined; reader = aside.reader()) {
    const next = reader.peek();
    texts.push(`${next?.kind === GuestKind.stderr ? "!" : ""}${next?.execution}:${Buffer.from(next?.payload ?? "")}`);
    reader.next();
  }
  return texts;
}

describe("output set aside", () => {
  it("comes back in order, as output of no cell, once", () => {
    const aside = new SetAside();
    expect(aside.reader()).toBeUndefined();
    aside.add(record("a"));
    aside.add(record("b", GuestKind.stderr));
    expect(taken(aside)).toEqual(["0:a", "!0:b"]);
    expect(aside.reader()).toBeUndefined();
  });

  it("goes on where it was left, before what came later", () => {
    const aside = new SetAside();
    aside.add(record("a"));
    aside.add(record("b"));
    aside.reader()?.next();
    aside.add(record("c"));
    expect(taken(aside)).toEqual(["0:b", "0:c"]);
  });

  it("is bounded, and says once that something was lost", () => {
    const aside = new SetAside();
    for (let i = 0; i < 20; i++) aside.add(record("x".repeat(16_000)));
    expect([aside.takeLoss(), aside.takeLoss()]).toEqual([true, false]);
    expect(taken(aside)).toHaveLength(8);
    aside.add(record("y"));
    expect([taken(aside), aside.takeLoss()]).toEqual([["0:y"], false]);
  });
});

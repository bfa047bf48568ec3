import { describe, expect, it } from "vitest";
import { InterruptKey } from "../../../../../server/src/cli/repl/interrupt-key.js";

/** A key with its clock, and what it asked of the cell. */
function armed() {
  const asked: (string | undefined)[] = [];
  const clock = { now: 0 };
  const key = new InterruptKey(() => clock.now);
  const cell = { interrupt: (options?: { readonly after?: "kill" }) => void asked.push(options?.after) };
  key.cell = cell;
  const pressAt = (now: number) => {
    clock.now = now;
    return key.press();
  };
  return { key, cell, asked, pressAt };
}

describe("Ctrl-C while a cell runs", () => {
  it("interrupts, and kills when pressed again within two seconds", () => {
    const { asked, pressAt } = armed();
    expect([pressAt(0), pressAt(1999), pressAt(2500)]).toEqual(["interrupt", "kill", "kill"]);
    expect(asked).toEqual([undefined, "kill", "kill"]);
  });

  it("interrupts once more when that is long ago", () => {
    const { asked, pressAt } = armed();
    expect([pressAt(0), pressAt(2001)]).toEqual(["interrupt", "interrupt"]);
    expect(asked).toEqual([undefined, undefined]);
  });

  it("begins anew with each cell", () => {
    const { key, cell, pressAt } = armed();
    expect(pressAt(0)).toBe("interrupt");
    key.cell = undefined;
    expect(key.isArmed).toBe(false);
    key.cell = cell;
    expect([key.isArmed, pressAt(100)]).toEqual([true, "interrupt"]);
  });
});

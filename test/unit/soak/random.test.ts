import { describe, expect, it } from "vitest";
import { isWellFormed } from "../../../client/src/protocol/utf8.js";
import { Random } from "../../soak/random.js";

const take = (random: Random, n: number): number[] => Array.from({ length: n }, () => random.next());

describe("Random", () => {
  it("comes again with the same seed, and not with another", () => {
    expect(take(new Random(7), 100)).toEqual(take(new Random(7), 100));
    expect(take(new Random(7), 100)).not.toEqual(take(new Random(8), 100));
  });

  it("splits off others that do not depend on what is taken from it later", () => {
    const [a, b] = [new Random(7), new Random(7)];
    const [first, second] = [a.split(), b.split()];
    take(b, 10);
    expect(take(first, 10)).toEqual(take(second, 10));
  });

  it("keeps within its bounds and reaches both", () => {
    const random = new Random(1);
    const numbers = Array.from({ length: 1000 }, () => random.int(3, 6));
    expect(new Set(numbers)).toEqual(new Set([3, 4, 5, 6]));
  });

  it("weighs choices", () => {
    const random = new Random(2);
    const choices = [
      { weight: 0, name: "never" },
      { weight: 1, name: "rare" },
      { weight: 9, name: "often" },
    ];
    const names = Array.from({ length: 1000 }, () => random.weighted(choices).name);
    const count = (name: string): number => names.filter((drawn) => drawn === name).length;
    expect(count("never")).toBe(0);
    expect(count("often")).toBeGreaterThan(5 * count("rare"));
  });

  it("writes text that has an encoding and no line ends", () => {
    const text = new Random(3).text(5000);
    expect(isWellFormed(text)).toBe(true);
    expect([...text].length).toBe(5000);
    expect(/[\r\n\u2028\u2029\u0085]/.test(text)).toBe(false);
  });
});

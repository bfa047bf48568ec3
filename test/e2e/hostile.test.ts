import { expect, it } from "vitest";
import { besiege, formatSiege } from "../soak/hostile/siege.js";

const SECONDS = 20;
/** Until every hostile cell has been stopped and released, on an emulated machine. */
const LONGEST_RUN_MS = 900_000;

it(
  "twenty hostile clients harm neither the server nor an honest session",
  async () => {
    const seed = Math.floor(Math.random() * 0xffff_ffff);
    const report = await besiege({ clients: 20, seconds: SECONDS, seed, say: (line) => console.log(line) });
    console.log(formatSiege(report));
    expect(report.problems).toEqual([]);
    expect(report.messages).toBeGreaterThan(100);
    expect(report.honestMs.n).toBeGreaterThan(0);
  },
  LONGEST_RUN_MS,
);

import { expect, it } from "vitest";
import { formatReport } from "../soak/report.js";
import { soak } from "../soak/soak.js";

const SECONDS = 40;
/** Users finish what they are at, with the patience an emulated machine needs. */
const LONGEST_RUN_MS = 900_000;

it(
  "random users see nothing but what they must, and leave nothing behind",
  async () => {
    const seed = Math.floor(Math.random() * 0xffff_ffff);
    const report = await soak({ users: 4, seconds: SECONDS, seed, say: (line) => console.log(line) });
    console.log(formatReport(report));
    expect(report.problems).toEqual([]);
    expect(report.cells).toBeGreaterThan(10);
  },
  LONGEST_RUN_MS,
);

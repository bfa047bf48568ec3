/** Run by lock.test.ts: take the lock in the directory given, say so, and keep it until killed. */
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { withLock } from "../../../native/guest/build/lock.js";
import { silentProgress } from "../../../native/guest/build/progress.js";

const [directory = "", orphan] = process.argv.slice(2);

await withLock(
  { directory, name: "artefact", doing: "building in another process", progress: silentProgress },
  async ({ fd }) => {
    if (orphan === "true") {
      const child = spawn("sleep", ["60"], { stdio: ["ignore", "ignore", "ignore", fd], detached: true });
      writeFileSync(join(directory, "orphan.pid"), String(child.pid));
    }
    process.stdout.write("held\n");
    await new Promise((done) => setTimeout(done, 60_000));
  },
);

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";

const PROGRAM = fileURLToPath(new URL("hang-up-program.ts", import.meta.url));
const WITHIN = { timeout: 20_000 };

describe("SIGHUP", () => {
  it("has files read anew, and stops what was started from a terminal that is closed", async () => {
    const scratch = mkdtempSync(join(tmpdir(), "zeroboot-hang-up-"));
    const file = join(scratch, "said");
    // util-linux's script(1) makes a terminal, which is closed when it ends.
    const command = `exec '${process.execPath}' --import tsx '${PROGRAM}' '${file}'`;
    const terminal = spawn("script", ["-qfec", command, "/dev/null"], {
      stdio: ["pipe", "ignore", "ignore"],
      env: { ...process.env, SHELL: "/bin/sh" },
    });
    const said = (): string[] => {
      try {
        return readFileSync(file, "utf8").trimEnd().split("\n");
      } catch {
        return [];
      }
    };
    const pid = (): number => Number(/^ready (\d+)$/.exec(said()[0] ?? "")?.[1] ?? 0);
    onTestFinished(() => {
      terminal.kill("SIGKILL");
      // Nothing but its "stop" says that it ends by itself.
      if (pid() > 0 && said().at(-1) !== "stop") process.kill(pid(), "SIGKILL");
      rmSync(scratch, { recursive: true });
    });
    await expect.poll(pid, WITHIN).toBeGreaterThan(0);
    process.kill(pid(), "SIGHUP");
    await expect.poll(() => said().slice(1), WITHIN).toEqual(["reload"]);
    terminal.kill("SIGKILL");
    await expect.poll(() => said().slice(1), WITHIN).toEqual(["reload", "stop"]);
  });
});

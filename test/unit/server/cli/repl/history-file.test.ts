import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { HistoryFile } from "../../../../../server/src/cli/repl/history-file.js";

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), "zeroboot-history-"));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

describe("the file of what was typed", () => {
  it("gives the lines back, newest first, and is its owner's alone", () => {
    const path = join(directory(), "home", "history");
    const history = new HistoryFile(path);
    expect(history.read()).toEqual([]);
    for (const line of ["a = 1", "a", "größer"]) history.add(line);
    expect(new HistoryFile(path).read()).toEqual(["größer", "a", "a = 1"]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it("closes a file that was open to others", () => {
    const path = join(directory(), "history");
    writeFileSync(path, "old\n");
    chmodSync(path, 0o644);
    new HistoryFile(path).add("new");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(new HistoryFile(path).read()).toEqual(["new", "old"]);
  });

  it("keeps the last 1000 lines", () => {
    const path = join(directory(), "history");
    writeFileSync(path, Array.from({ length: 1500 }, (_, at) => `line ${at}\n`).join(""));
    const lines = new HistoryFile(path).read();
    expect([lines.length, lines[0], lines.at(-1)]).toEqual([1000, "line 1499", "line 500"]);
    expect(readFileSync(path, "utf8").split("\n").length).toBe(1001);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it("does without where nothing can be written", () => {
    const history = new HistoryFile("/proc/history");
    history.add("x");
    expect(history.read()).toEqual([]);
  });
});

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { markdownPages, REPOSITORY } from "../helpers/pages.js";
import { runProgram } from "../helpers/program.js";
import { PYTHON_ENVIRONMENT, WITHOUT_PYTHON } from "../helpers/python.js";
import { ServerProcess } from "../helpers/server-process.js";
import {
  atServer,
  consoleSteps,
  extractSnippets,
  matchesOutput,
  programOutput,
  type Snippet,
} from "../helpers/snippets.js";

const snippets = markdownPages().flatMap(({ path, text }) => extractSnippets(text, path));

function lines(text: string): string[] {
  return text === "" ? [] : text.replace(/\n$/, "").split("\n");
}

/** A failure shows what was printed beside what was promised. */
function expectOutput(printed: string, promised: readonly string[]): void {
  if (!matchesOutput(promised, lines(printed))) expect(lines(printed)).toEqual(promised);
}

function of(...kinds: Snippet["kind"][]): (readonly [place: string, snippet: Snippet])[] {
  return snippets
    .filter(({ kind }) => kinds.includes(kind))
    .map((snippet) => [`${snippet.file}:${snippet.line}`, snippet] as const);
}

/** Each command is a start of Node and of a VM, which an emulated machine takes its time over. */
const LONGEST_SNIPPET_MS = 600_000;

/** What the pages' commands fork: made beforehand, as on the machine of whoever has read so far. */
const templates = new Set(
  of("console run", "console server").flatMap(([, { text }]) =>
    [...text.matchAll(/--template (\S+)/g)].map(([, name = ""]) => name),
  ),
);

describe("what the pages show", { timeout: LONGEST_SNIPPET_MS }, () => {
  let server: ServerProcess;
  beforeAll(async () => {
    const built = await runProgram("npx", ["zeroboot", "template", "build", ...templates], { cwd: REPOSITORY });
    expect(built.exitCode, built.stderr).toBe(0);
    server = await ServerProcess.ready();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it.each(of("console run", "console server"))("prints what they say: %s", async (_, snippet) => {
    for (const { command, output } of consoleSteps(snippet)) {
      // Standard error where a terminal would show it.
      const script = `exec 2>&1\n${atServer(command, server.url)}`;
      expectOutput((await runProgram("bash", ["-c", script], { cwd: REPOSITORY })).stdout, output);
    }
  });

  it.skipIf(WITHOUT_PYTHON).each(of("python server"))("runs as pasted: %s", async (_, snippet) => {
    const code = atServer(snippet.text, server.url);
    const ran = await runProgram("python3", ["-c", code], { env: PYTHON_ENVIRONMENT });
    expect(ran.stderr).toBe("");
    expect(ran.exitCode).toBe(0);
    expectOutput(ran.stdout, programOutput(snippet));
  });

  it.each(of("ts server"))("runs as pasted: %s", async (_, snippet) => {
    // In the checkout, where the SDK is found.
    const directory = mkdtempSync(join(REPOSITORY, "snippet-"));
    try {
      const file = join(directory, "snippet.ts");
      writeFileSync(file, atServer(snippet.text, server.url));
      const ran = await runProgram("npx", ["tsx", file], { cwd: REPOSITORY });
      expect(ran.stderr).toBe("");
      expect(ran.exitCode).toBe(0);
      expectOutput(ran.stdout, programOutput(snippet));
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});

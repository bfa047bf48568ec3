/**
 * The code blocks of the project's pages, as programs with expected output. Reading them is pure;
 * running them is for a test that has a VM. What a block is, its info string says:
 *
 *   console run      commands after `$ ` and the output each prints, for a machine that can run VMs
 *   console server   the same, with a server listening
 *   ts server        a program on the SDK, with a server listening; what it prints is told by the
 *                    comment behind each `console.log(...)`
 *   python server    the same in Python, what it prints is behind each `print(...)`
 *   sh host          commands that change the machine they run on, or take minutes: never run
 *   text, ini, nginx, json, yaml    not programs
 *
 * In expected output a line `...` stands for any lines, and `...` within a line for any text.
 */

export const SNIPPET_KINDS = [
  "console run",
  "console server",
  "ts server",
  "python server",
  "sh host",
  "text",
  "ini",
  "nginx",
  "yaml",
  "json",
] as const;

export type SnippetKind = (typeof SNIPPET_KINDS)[number];

export interface Snippet {
  /** As given to {@link extractSnippets}. */
  readonly file: string;
  /** Of its first line of text, from 1. */
  readonly line: number;
  readonly kind: SnippetKind;
  readonly text: string;
}

/** One command of a `console` block. */
export interface ConsoleStep {
  readonly command: string;
  /** Lines that it prints, standard output and error together. */
  readonly output: readonly string[];
}

/** Where the pages say that the server is. */
const DOCUMENTED_SERVER = /\b(http|ws):\/\/127\.0\.0\.1:8080/g;

/**
 * The code blocks of a Markdown page, in order.
 * @throws RangeError for one of no known kind or without an end, with its place
 */
export function extractSnippets(markdown: string, file: string): Snippet[] {
  const snippets: Snippet[] = [];
  let open: { info: string; line: number; lines: string[] } | undefined;
  for (const [index, line] of markdown.split("\n").entries()) {
    const [, indent = "", info = ""] = /^( *)```(.*)$/.exec(line) ?? [];
    const isFence = /^ *```/.test(line);
    if (open === undefined) {
      if (!isFence) continue;
      if (indent !== "") throw new RangeError(`${file}:${index + 1}: code blocks are not indented`);
      open = { info: info.trim(), line: index + 2, lines: [] };
    } else if (isFence && info.trim() === "") {
      snippets.push({ file, line: open.line, kind: kindOf(open.info, file, open.line), text: text(open.lines) });
      open = undefined;
    } else open.lines.push(line);
  }
  if (open !== undefined) throw new RangeError(`${file}:${open.line}: a code block without an end`);
  return snippets;
}

/**
 * The commands of a `console` block. A command goes on in lines that begin with `> `.
 * @throws RangeError when it begins with anything but a command
 */
export function consoleSteps(snippet: Snippet): ConsoleStep[] {
  const steps: { command: string; output: string[] }[] = [];
  for (const line of snippet.text.split("\n").slice(0, -1)) {
    const last = steps.at(-1);
    if (line.startsWith("$ ")) steps.push({ command: line.slice(2), output: [] });
    else if (last === undefined) throw new RangeError(`${snippet.file}:${snippet.line}: output before a command`);
    else if (line.startsWith("> ") && last.output.length === 0) last.command += `\n${line.slice(2)}`;
    else last.output.push(line);
  }
  return steps;
}

/**
 * The lines that a program block prints.
 * @throws RangeError for a `console.log`, or a `print` at the beginning of a line, that does not say
 */
export function programOutput(snippet: Snippet): string[] {
  const [prints, says] =
    snippet.kind === "python server" ? [/^ *print\(/, / {2}# (.*)$/] : [/console\.log\(/, /; \/\/ (.*)$/];
  return snippet.text
    .split("\n")
    .filter((line) => prints.test(line))
    .map((line) => {
      const said = says.exec(line)?.[1];
      if (said === undefined) throw new RangeError(`${snippet.file}:${snippet.line}: what does this print? ${line}`);
      return said;
    });
}

/** The same text for a server that is not where the pages say. @param base for example `http://127.0.0.1:41234` */
export function atServer(text: string, base: string): string {
  const authority = new URL(base).host;
  return text.replace(DOCUMENTED_SERVER, (_, scheme: string) => `${scheme}://${authority}`);
}

/** Whether lines that were printed are those that were promised. */
export function matchesOutput(expected: readonly string[], printed: readonly string[]): boolean {
  const [first, ...rest] = expected;
  if (first === undefined) return printed.length === 0;
  if (first.trim() === "...") {
    return printed.some((_, index) => matchesOutput(rest, printed.slice(index))) || matchesOutput(rest, []);
  }
  const [line, ...left] = printed;
  return line !== undefined && matchesLine(first, line) && matchesOutput(rest, left);
}

function matchesLine(expected: string, printed: string): boolean {
  const literal = expected.split("...").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${literal.join(".*")}$`).test(printed);
}

function kindOf(info: string, file: string, line: number): SnippetKind {
  const kind = SNIPPET_KINDS.find((known) => known === info);
  if (kind === undefined) throw new RangeError(`${file}:${line}: a code block of unknown kind: \`\`\`${info}`);
  return kind;
}

function text(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}

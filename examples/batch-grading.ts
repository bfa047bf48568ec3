/**
 * Grade submissions, each in a virtual machine of its own: wrong ones, broken ones and endless ones do
 * no harm to the others.
 *
 *   npx tsx examples/batch-grading.ts
 */
import { Sandbox, ZerobootError } from "@zeroboot/sdk";

const TASK = "Write a function double(n).";
const CASES = [
  [0, 0],
  [21, 42],
  [-3, -6],
] as const;

const submissions: Readonly<Record<string, string>> = {
  ada: "def double(n):\n    return n * 2",
  bob: "def double(n):\n    return n + 2",
  eve: "while True: pass",
  kim: "def double(n):\n    return n *",
  max: "def double(n):\n    return 2 * n",
};

/** A submission with its test: the last line that it prints is the number of cases it got right. */
function withTest(code: string): string {
  const checks = CASES.map(([given, wanted]) => `double(${given}) == ${wanted}`).join(", ");
  return `${code}\n\nprint(sum([${checks}]))`;
}

const sandbox = new Sandbox(process.env.ZEROBOOT_API_KEY ?? "");
const names = Object.keys(submissions);
const results = await sandbox.runBatch(Object.values(submissions).map(withTest), { language: "python", timeout: 10 });

console.log(TASK);
for (const [index, name] of names.entries()) {
  const result = results[index];
  if (result === undefined || result instanceof ZerobootError) console.log(`${name}: not run`);
  else if (result.timed_out) console.log(`${name}: out of time`);
  else if (result.exit_code !== 0) console.log(`${name}: ${result.stderr.trim().split("\n").at(-1)}`);
  else console.log(`${name}: ${result.stdout.trim().split("\n").at(-1)} of ${CASES.length}`);
}

/** The calls that the original's documents show, made as they show them: key and server come from the environment. */
import { Sandbox } from "@zeroboot/sdk";

// biome-ignore lint/style/noNonNullAssertion: as the documents have it.
const sb = new Sandbox(process.env.ZEROBOOT_API_KEY!);
const result = await sb.run("console.log(1 + 1)");
console.log(result);

// Several lines.
const sum = await sb.run(`
const numbers = [1, 2, 3, 4, 5];
const total = numbers.reduce((a, b) => a + b, 0);
console.log(total);
`);
console.log(sum);

// A tool of an agent.
interface ExecutionResult {
  success: boolean;
  output?: string;
  error?: string;
}

async function executeCode(code: string): Promise<ExecutionResult> {
  try {
    const sandbox = new Sandbox(process.env.ZEROBOOT_API_KEY ?? "");
    const output: string = await sandbox.run(code);
    return { success: true, output };
  } catch (error) {
    return { success: false, error: error instanceof Error ? error.message : String(error) };
  }
}

console.log(JSON.stringify(await executeCode("console.log(JSON.stringify({ value: 42 }))")));

// An agent's loop: what one step prints goes into the next one's code.
let value = "1";
for (let step = 0; step < 3; step++) value = await sb.run(`console.log(${value} * 2)`);
console.log(value);

// Ten at a time.
const squares = await Promise.all(Array.from({ length: 10 }, (_, i) => sb.run(`console.log(${i} ** 2)`)));
console.log(squares.join(" "));

// Another language.
console.log(await sb.run("import numpy as np\nprint(np.arange(10).mean())", { language: "python" }));
console.log((await sb.health()).status);

import type { TemplateInfo } from "../../native/engine.js";
import { type Cell, type MemoryPerFork, runEngineBench } from "./engine-bench.js";
import type { Counts } from "./plan.js";
import type { Samples } from "./samples.js";
import type { BenchTemplate } from "./template.js";

/** A template, and the cell that it is measured with: the same little work in its own language. */
export interface Runtime {
  readonly template: string;
  readonly cell: Cell;
}

export const RUNTIMES: readonly Runtime[] = [
  { template: "python", cell: { code: "print(1+1)", output: "2\n" } },
  { template: "python-data", cell: { code: "print(1+1)", output: "2\n" } },
  { template: "node", cell: { code: "console.log(1+1)", output: "2\n" } },
  { template: "shell", cell: { code: "echo $((1+1))", output: "2\n" } },
];

/** What a runtime's forks begin with, and what one costs. */
export type RuntimeDescription = Pick<TemplateInfo, "runtime" | "memoryMb" | "storedPages" | "workingSetPages"> & {
  readonly template: string;
  /** Null if the forks did not come to rest. */
  readonly memoryPerFork: MemoryPerFork | null;
};

/**
 * `NAME/first_cell`, `NAME/cell` and `NAME/template_load`, by the engine alone.
 * @throws BenchError when the program does not end well
 */
export async function measureRuntime(
  program: string,
  { template, cell }: Runtime,
  opened: BenchTemplate,
  counts: Counts,
  samples: Samples,
  signal: AbortSignal,
): Promise<RuntimeDescription> {
  const memoryPerFork = await runEngineBench(
    program,
    opened,
    {
      rounds: { loads: counts.loads, runtime: counts.runtimes, idleForks: counts.idleForks },
      cell,
      nameOf: (figure) => `${template}/${figure.replace("template/", "template_").replace("runtime/", "")}`,
    },
    samples,
    signal,
  );
  const { runtime, memoryMb, storedPages, workingSetPages } = opened.info;
  return { template, runtime, memoryMb, storedPages, workingSetPages, memoryPerFork };
}

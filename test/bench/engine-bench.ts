import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import * as z from "zod";
import { BenchError } from "./errors.js";
import type { Samples } from "./samples.js";

/** As native/test/bench/scenarios.h. */
const memoryPerFork = z.strictObject({ forks: z.number(), bytes: z.number(), privateBytes: z.number() });
export type MemoryPerFork = z.output<typeof memoryPerFork>;

/** A line of the native program's output. */
const line = z.union([
  z.strictObject({ name: z.string(), n: z.number(), samples: z.array(z.number()) }),
  z.strictObject({ memoryPerFork }),
]);

export interface EngineRounds {
  readonly loads: number;
  readonly forks: number;
  readonly cells: number;
  readonly idleForks: number;
  readonly runtime: number;
}

/** What runs in the scenarios that any runtime can take part in; the others are Python's. */
export interface Cell {
  readonly code: string;
  /** What it must print. */
  readonly output: string;
}

export interface EngineBenchOptions {
  readonly rounds: Partial<EngineRounds>;
  readonly cell?: Cell;
  /** Name of a figure in `samples` by the program's own; default: the same. */
  readonly nameOf?: (figure: string) => string;
}

/**
 * The native program that measures the engine without Node in between, and the addon with it: both from
 * the same sources, or one could not read the other's snapshots.
 * Call it before the addon is loaded.
 * @throws BenchError when it cannot be compiled
 */
export async function buildEngineBench(packageRoot: string, signal: AbortSignal): Promise<string> {
  // make has nothing to say where all is up to date; what it does say is no part of the report.
  const make = spawn(process.execPath, [join(packageRoot, "dist/native/make.js"), "--silent", "all", "bench"], {
    stdio: ["ignore", 2, "inherit"],
    signal,
  });
  await succeeded(make, "make -C native all bench");
  return join(packageRoot, "native", "build", "bench");
}

/**
 * Run it over a snapshot. Samples arrive scenario by scenario and are kept even if a later one fails.
 * @throws BenchError when it does not end well
 */
export async function runEngineBench(
  program: string,
  template: { readonly snapshotPath: string; readonly rootImagePath: string },
  { rounds, cell, nameOf = (figure) => figure }: EngineBenchOptions,
  samples: Samples,
  signal: AbortSignal,
): Promise<MemoryPerFork | null> {
  const options = {
    "--loads": rounds.loads ?? 0,
    "--forks": rounds.forks ?? 0,
    "--cells": rounds.cells ?? 0,
    "--idle-forks": rounds.idleForks ?? 0,
    "--runtime-rounds": rounds.runtime ?? 0,
    ...(cell === undefined ? {} : { "--code": cell.code, "--output": cell.output }),
  };
  const args = [template.snapshotPath, template.rootImagePath, ...Object.entries(options).flat().map(String)];
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"], signal });
  const ended = succeeded(child, "the engine's bench");
  let memory: MemoryPerFork | null = null;
  const read = async (): Promise<void> => {
    for await (const text of createInterface({ input: child.stdout })) {
      const found = line.parse(JSON.parse(text));
      if ("memoryPerFork" in found) memory = found.memoryPerFork;
      else samples.add(nameOf(found.name), found.samples, found.n);
    }
  };
  // Both to their end: what was read counts, also if the program fails afterwards.
  for (const outcome of await Promise.allSettled([ended, read()])) {
    if (outcome.status === "rejected") throw outcome.reason;
  }
  return memory;
}

async function succeeded(child: ChildProcess, what: string): Promise<void> {
  const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
  if (code !== 0) throw new BenchError(`${what} ended with ${signal ?? `exit code ${code}`}`);
}

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { leftOutWithout } from "./installed.js";
import { REPOSITORY } from "./pages.js";

/** Helm itself: one on PATH, or that which `.ci/helm` prints. */
const HELM = process.env.HELM ?? "helm";

export const WITHOUT_HELM = leftOutWithout(HELM, "the chart", "REQUIRE_HELM", "name what .ci/helm prints in HELM", [
  "version",
]);

export const CHART = join(REPOSITORY, "docs/deploy/chart");

/** What every rendering needs. */
export const REQUIRED = ["image.repository=example.org/zeroboot", "apiKeys.existingSecret=zeroboot-keys"];

/** An object of Kubernetes, as far as it is read here. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
}

export interface HelmRun {
  readonly status: number | null;
  readonly output: string;
}

/** @param values as `--set` takes them */
export function helm(command: readonly string[], values: readonly string[]): HelmRun {
  const settings = values.flatMap((value) => ["--set", value]);
  const { status, stdout, stderr } = spawnSync(HELM, [...command, CHART, ...settings], { encoding: "utf8" });
  return { status, output: status === 0 ? stdout : stderr };
}

/** What the chart makes of these values, beside those that every rendering needs. @throws Error as helm says */
export function rendered(values: readonly string[] = []): Manifest[] {
  const { status, output } = helm(["template", "demo"], [...REQUIRED, ...values]);
  if (status !== 0) throw new Error(output);
  return parseAllDocuments(output).flatMap((document) => {
    if (document.errors.length > 0) throw document.errors[0];
    const object = document.toJS() as Manifest | null;
    return object === null ? [] : [object];
  });
}

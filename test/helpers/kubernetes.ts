import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ServiceMonitor } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor";
import { DaemonSet } from "kubernetes-models/apps/v1/DaemonSet";
import { StatefulSet } from "kubernetes-models/apps/v1/StatefulSet";
import { Ingress } from "kubernetes-models/networking.k8s.io/v1/Ingress";
import { PodDisruptionBudget } from "kubernetes-models/policy/v1/PodDisruptionBudget";
import { ConfigMap } from "kubernetes-models/v1/ConfigMap";
import { Secret } from "kubernetes-models/v1/Secret";
import { Service } from "kubernetes-models/v1/Service";
import type { Manifest } from "./chart.js";
import { REPOSITORY } from "./pages.js";

/** What Kubernetes calls a kind, and where its schema is. */
const KINDS = {
  "apps/v1 DaemonSet": [DaemonSet, "kubernetes-models/apps/v1/DaemonSet"],
  "apps/v1 StatefulSet": [StatefulSet, "kubernetes-models/apps/v1/StatefulSet"],
  "monitoring.coreos.com/v1 ServiceMonitor": [
    ServiceMonitor,
    "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor",
  ],
  "networking.k8s.io/v1 Ingress": [Ingress, "kubernetes-models/networking.k8s.io/v1/Ingress"],
  "policy/v1 PodDisruptionBudget": [PodDisruptionBudget, "kubernetes-models/policy/v1/PodDisruptionBudget"],
  "v1 ConfigMap": [ConfigMap, "kubernetes-models/v1/ConfigMap"],
  "v1 Secret": [Secret, "kubernetes-models/v1/Secret"],
  "v1 Service": [Service, "kubernetes-models/v1/Service"],
} as const;

function kindOf({ apiVersion, kind }: Manifest): readonly [new (data: never) => { validate(): void }, string] {
  const name = `${apiVersion} ${kind}`;
  if (!Object.hasOwn(KINDS, name)) throw new RangeError(`no schema is known for ${name}`);
  return KINDS[name as keyof typeof KINDS];
}

/** Hold an object to the schema of its kind. @throws Error that says what is wrong */
export function validate(manifest: Manifest): void {
  const [Kind] = kindOf(manifest);
  new Kind(manifest as never).validate();
}

/**
 * What a schema lets pass and Kubernetes drops or refuses: fields that there are not. TypeScript finds them, in
 * objects written as literals.
 * @returns the compiler's complaints; empty if there are none
 */
export function unknownFields(manifests: readonly Manifest[]): string {
  const lines = manifests.map((manifest, index) => {
    const [, module] = kindOf(manifest);
    return (
      `import type { I${manifest.kind} as Kind${index} } from "${module}";\n` +
      `export const object${index}: Kind${index} = ${JSON.stringify(manifest)};\n`
    );
  });
  // In the checkout, where the types are found.
  const directory = mkdtempSync(join(REPOSITORY, "manifests-"));
  try {
    const file = join(directory, "manifests.ts");
    writeFileSync(file, lines.join(""));
    const options = ["--ignoreConfig", "--noEmit", "--strict", "--skipLibCheck", "--types", "", "--module", "nodenext"];
    const { status, stdout, stderr } = spawnSync(
      join(REPOSITORY, "node_modules/.bin/tsc"),
      [...options, "--target", "es2022", file],
      { encoding: "utf8" },
    );
    return status === 0 ? "" : `${stdout}${stderr}`;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

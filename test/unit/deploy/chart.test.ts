import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { HostPolicy } from "../../../server/src/access/host-policy.js";
import { type Config, loadConfig, packageVersion } from "../../../server/src/config/config.js";
import { CHART, helm, type Manifest, REQUIRED, rendered, WITHOUT_HELM } from "../../helpers/chart.js";
import { unknownFields, validate } from "../../helpers/kubernetes.js";
import { REPOSITORY } from "../../helpers/pages.js";

/** Values that between them have every branch of the templates. */
const CASES: Readonly<Record<string, readonly string[]>> = {
  "what it renders by itself": [],
  "a pod on each node": [
    "workload=DaemonSet",
    "cache.type=hostPath",
    "kvm.resource=smarter-devices/kvm",
    "kvm.groupId=104",
    "nodeSelector.kvm=yes",
    "tolerations[0].key=kvm",
    "tolerations[0].operator=Exists",
    "podDisruptionBudget.enabled=false",
  ],
  "everything that can be had": [
    "replicas=3",
    "cache.type=claim",
    "cache.storageClass=fast",
    "tls.existingSecret=zeroboot-tls",
    "allowHosts={python.example.org,box.test}",
    "settings.max-output-bytes=1000000",
    "settings.templates=python\\,node",
    "service.type=LoadBalancer",
    "service.annotations.a=b",
    "ingress.enabled=true",
    "ingress.host=code.example.org",
    "ingress.className=nginx",
    "ingress.tlsSecret=code-tls",
    "ingress.annotations.a=b",
    "serviceMonitor.enabled=true",
    "serviceMonitor.keySecret.name=zeroboot-metrics",
    "imagePullSecrets[0].name=registry",
    "podAnnotations.a=b",
    "apiKeys.existingSecret=",
    'apiKeys.value=["a-key"]',
  ],
};

interface Pod {
  readonly terminationGracePeriodSeconds: number;
  readonly containers: readonly {
    readonly image: string;
    readonly readinessProbe: { readonly httpGet: { readonly path: string; readonly scheme: string } };
    readonly lifecycle: { readonly preStop: { readonly exec: { readonly command: readonly string[] } } };
    readonly resources: { readonly limits: Readonly<Record<string, string>> };
    readonly securityContext: Readonly<Record<string, unknown>>;
  }[];
  readonly securityContext: Readonly<Record<string, unknown>>;
}

function one(manifests: readonly Manifest[], kind: string): Manifest {
  const [found, ...others] = manifests.filter((manifest) => manifest.kind === kind);
  if (found === undefined || others.length > 0) throw new RangeError(`not one ${kind}`);
  return found;
}

function podOf(manifests: readonly Manifest[], kind = "StatefulSet"): Pod {
  return (one(manifests, kind) as Manifest & { spec: { template: { spec: Pod } } }).spec.template.spec;
}

/** The configuration of a server that is started with the rendered environment. */
function configOf(manifests: readonly Manifest[], podIp = "10.1.2.3"): Config {
  return loadConfig({}, { ...one(manifests, "ConfigMap").data, ZEROBOOT_HOST: podIp });
}

describe("the chart", () => {
  it("is of this version", () => {
    const { appVersion } = parse(readFileSync(join(CHART, "Chart.yaml"), "utf8")) as { appVersion: string };
    expect(appVersion).toBe(packageVersion(REPOSITORY));
  });
});

describe.skipIf(WITHOUT_HELM)("the chart, by helm", { timeout: 120_000 }, () => {
  it.each(Object.entries(CASES))("is linted without a warning: %s", (_, values) => {
    const { status, output } = helm(["lint", "--strict"], [...REQUIRED, ...values]);
    expect([status, output]).toEqual([0, expect.stringContaining("0 chart(s) failed")]);
    expect(output).not.toMatch(/\[(WARNING|ERROR)\]/);
  });

  it.each(Object.entries(CASES))("renders objects that Kubernetes knows, field by field: %s", (_, values) => {
    const manifests = rendered(values);
    for (const manifest of manifests) validate(manifest);
    expect(unknownFields(manifests)).toBe("");
  });

  it("would not pass with a field that there is not, or a value of another type", () => {
    const [service] = rendered().filter(({ kind }) => kind === "Service");
    if (service === undefined) throw new RangeError("no Service");
    expect(unknownFields([{ ...service, spec: { selectors: {} } } as Manifest])).toContain('"selectors"');
    expect(() => validate({ ...service, spec: { ports: [{ port: "http" }] } } as Manifest)).toThrow("port");
  });

  it("gives the server an environment that it understands", () => {
    expect(configOf(rendered(CASES["everything that can be had"]))).toMatchObject({
      host: "10.1.2.3",
      port: 8080,
      // Past where a template would write 1e+06.
      maxOutputBytes: 1_000_000,
      templates: ["python", "node"],
      tlsCert: "/etc/zeroboot/tls/tls.crt",
      apiKeysFile: "/etc/zeroboot/keys/api_keys.json",
    });
  });

  it("has the server let in its Service's names, its ingress and probes, which name the pod's address", () => {
    for (const podIp of ["10.1.2.3", "fd00::7"]) {
      const { allowHost, host } = configOf(rendered(["ingress.enabled=true", "ingress.host=code.example.org"]), podIp);
      const policy = new HostPolicy([...allowHost, host], []);
      const asked = podIp.includes(":") ? `[${podIp}]:8080` : `${podIp}:8080`;
      for (const name of ["demo-zeroboot", "demo-zeroboot.default.svc", "code.example.org", asked]) {
        expect([name, policy.allowsHost(name)]).toEqual([name, true]);
      }
      expect(policy.allowsHost("evil.test")).toBe(false);
    }
  });

  it("leaves a pod the time that its server takes to stop", () => {
    const manifests = rendered(["drainSeconds=7", "shutdownSeconds=40"]);
    const { terminationGracePeriodSeconds, containers } = podOf(manifests);
    expect(configOf(manifests).shutdownTimeoutMs).toBe(40_000);
    expect(containers[0]?.lifecycle.preStop.exec.command).toEqual(["sleep", "7"]);
    expect(terminationGracePeriodSeconds).toBeGreaterThanOrEqual(7 + 40 + 5);
  });

  it("asks for the device by its plugin, and for no right beside", () => {
    const { securityContext, containers } = podOf(rendered(CASES["a pod on each node"]), "DaemonSet");
    expect(securityContext).toMatchObject({
      runAsNonRoot: true,
      supplementalGroups: [104],
      seccompProfile: { type: "RuntimeDefault" },
    });
    expect(containers[0]?.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
    expect(containers[0]?.resources.limits).toMatchObject({ "smarter-devices/kvm": "1", memory: "8Gi" });
  });

  it("asks for health as the server speaks", () => {
    const probed = (values: readonly string[]) => podOf(rendered(values)).containers[0]?.readinessProbe.httpGet;
    expect(probed([])).toMatchObject({ path: "/v1/health", scheme: "HTTP" });
    expect(probed(["tls.existingSecret=t"])).toMatchObject({ path: "/v1/health", scheme: "HTTPS" });
  });

  it.each([
    ["no keys", ["apiKeys.existingSecret="], "apiKeys.existingSecret or apiKeys.value is required"],
    ["no image", ["image.repository="], "/image/repository"],
    ["a volume for each pod of a DaemonSet", ["workload=DaemonSet", "cache.type=claim"], "cache.type claim"],
    ["a setting that is the chart's own", ["settings.host=0.0.0.0"], "invalid propertyName 'host'"],
    ["a setting by the variable's name", ["settings.MAX_SESSIONS=1"], "invalid propertyName 'MAX_SESSIONS'"],
    ["a value that there is not", ["replica=3"], "replica"],
  ])("refuses %s", (_, values, complaint) => {
    expect(() => rendered(values)).toThrow(complaint);
  });
});

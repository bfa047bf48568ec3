/** Where every agent and what it needs of ours is, in each image. */
const AGENT = "usr/lib/zeroboot";

/** Kept of a recipe whose agent is put into a container's file system: all else is the container's own. */
const KEPT = ["title", "buildPackages", "directories", "compile", "template", "cost"];

/**
 * The part of a recipe, unchecked, that makes a container's file system into a root: init, agent, mount points.
 * The container's own packages, users and libraries stay as they are.
 */
export function runtimeOf(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const whole = value as Readonly<Record<string, unknown>>;
  const copy = typeof whole.copy === "object" && whole.copy !== null ? Object.entries(whole.copy) : [];
  const etc: unknown = copy.find(([path]) => path === "etc")?.[1];
  return {
    ...Object.fromEntries(KEPT.filter((name) => Object.hasOwn(whole, name)).map((name) => [name, whole[name]])),
    packages: [],
    copy: {
      ...Object.fromEntries(copy.filter(([path]) => path.startsWith(`${AGENT}/`))),
      // An exported container has empty ones.
      ...(typeof etc === "string" ? { "etc/hosts": `${etc}/hosts`, "etc/hostname": `${etc}/hostname` } : {}),
    },
    links: { "etc/machine-id": "/run/machine-id", "etc/mtab": "/proc/self/mounts" },
    // A container's programs that lack a library did so before.
    unresolved: ["**"],
  };
}

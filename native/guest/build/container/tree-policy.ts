import { dirname } from "node:path/posix";
import { unusable } from "./unusable.js";

/** Of a whole container. */
export const MAX_ENTRIES = 500_000;
export const MAX_BYTES = 4 * 1024 ** 3;
/** As the guest's kernel has it. */
const MAX_PATH = 4095;

type Kind = "file" | "directory" | "link";

/**
 * What may become part of a root, entry by entry in the order of the archive, so that writing it below a
 * directory writes nowhere else: paths stay inside and go through directories only, and links, made relative,
 * lead to nothing outside however they are followed on this machine. In the guest they lead where they led.
 */
export class TreePolicy {
  readonly #origin: string;
  readonly #kinds = new Map<string, Kind>();
  #bytes = 0;

  /** @param origin for messages */
  constructor(origin: string) {
    this.#origin = origin;
  }

  /** @returns the path, relative and normal; empty for the root itself */
  path(path: string): string {
    if (path.startsWith("/")) throw this.#refused(path, "has an absolute path");
    const parts = path.split("/").filter((part) => part !== "" && part !== ".");
    if (parts.includes("..")) throw this.#refused(path, "leads out of the root");
    const normal = parts.join("/");
    if (Buffer.byteLength(normal) > MAX_PATH) throw this.#refused(path.slice(0, 100), "has too long a path");
    return normal;
  }

  /**
   * Take an entry in.
   * @param path as {@link path} returned it
   * @returns what is there already and is replaced, if anything
   */
  add(path: string, kind: Kind, bytes = 0): Kind | undefined {
    for (let parent = dirname(path); parent !== "."; parent = dirname(parent)) {
      const known = this.#kinds.get(parent);
      if (known === "directory") break;
      if (known !== undefined) throw this.#refused(path, `goes through ${parent}, which is no directory`);
      this.#kinds.set(parent, "directory");
    }
    const before = this.#kinds.get(path);
    if (before !== undefined && before !== kind) throw this.#refused(path, `is there twice, as ${before} and ${kind}`);
    this.#kinds.set(path, kind);
    this.#bytes += bytes;
    if (this.#kinds.size > MAX_ENTRIES) throw unusable(`${this.#origin} has more than ${MAX_ENTRIES} entries`);
    if (this.#bytes > MAX_BYTES) throw unusable(`${this.#origin} holds more than ${MAX_BYTES / 1024 ** 3} GiB`);
    return before;
  }

  /** @returns the target of a symbolic link in a form that stays inside */
  symbolicTarget(path: string, target: string): string {
    if (target === "" || Buffer.byteLength(target) > MAX_PATH) throw this.#refused(path, "is a link without a target");
    const depth = path.split("/").length - 1;
    const parts = target.split("/").filter((part) => part !== "" && part !== ".");
    const names = parts.findIndex((part) => part !== "..");
    const climbs = names < 0 ? parts.length : names;
    // What follows a name may be resolved elsewhere than it reads: the name may be a link.
    if (parts.slice(climbs).includes(".."))
      throw this.#refused(path, `is a link to ${target}, which cannot be checked`);
    if (target.startsWith("/")) {
      return [...Array<string>(depth).fill(".."), ...parts.slice(climbs)].join("/") || ".";
    }
    if (climbs > depth) throw this.#refused(path, `is a link to ${target}, out of the root`);
    return parts.join("/") || ".";
  }

  /** @returns the path of the earlier entry that a hard link names, and what it is */
  hardTarget(path: string, target: string): { readonly path: string; readonly kind: Kind } {
    const normal = this.path(target);
    const kind = this.#kinds.get(normal);
    if (kind !== "file" && kind !== "link")
      throw this.#refused(path, `is a link to ${target}, which is no earlier file`);
    return { path: normal, kind };
  }

  /** Device nodes, pipes, sockets. */
  refuse(path: string, what: string): never {
    throw this.#refused(path, `is ${what}`);
  }

  get bytes(): number {
    return this.#bytes;
  }

  #refused(path: string, why: string): Error {
    return unusable(`${this.#origin}: ${JSON.stringify(path)} ${why}`);
  }
}

import { describe, expect, it } from "vitest";
import type { DebianPackage } from "../../../native/guest/build/apt/packages.js";
import { withoutDropped } from "../../../native/guest/build/root/dropped.js";

const of = (name: string, Depends = ""): DebianPackage => ({
  name,
  version: "1",
  architecture: "all",
  sha256: "",
  size: 1,
  fields: { Depends },
});
const all = [
  of("python3.11", "perl"),
  of("git", "libc6, perl (>= 5) | x:any"),
  of("perl", "perl-base"),
  of("perl-base"),
  of("dpkg"),
];
const names = (added: readonly string[]) =>
  withoutDropped(all, ["perl", "perl-base", "dpkg"], added).map(({ name }) => name);

describe("what a recipe drops", () => {
  it("is left out", () => expect(names([])).toEqual(["python3.11", "git"]));

  it("stays where an added package asks for it, with what that asks for", () => {
    expect(names(["git"])).toEqual(["python3.11", "git", "perl", "perl-base"]);
  });

  it("stays where it is added itself", () => expect(names(["dpkg"])).toEqual(["python3.11", "git", "dpkg"]));
});

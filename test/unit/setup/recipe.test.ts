import { describe, expect, it } from "vitest";
import { loadRecipe, parseRecipe, recipeNames } from "../../../native/guest/build/root/recipe.js";

const minimal = {
  name: "tiny",
  title: "a test",
  packages: ["dash"],
  template: { memoryMb: 64 },
  cost: { downloadMb: 1, seconds: 1, diskMb: 1 },
};
const parse = (change: object): unknown => parseRecipe(JSON.stringify({ ...minimal, ...change }), "recipe.json");

describe("parseRecipe", () => {
  it("fills in defaults", () => {
    expect(parse({})).toMatchObject({
      drop: [],
      remove: [],
      keep: [],
      links: {},
      copy: {},
      compile: [],
      template: { warmupCells: [] },
    });
  });

  it.each([
    ["a path out of the image", { copy: { "../etc/passwd": "x" } }, "copy"],
    ["an absolute path", { directories: { "/tmp": "1777" } }, "directories"],
    ["a source out of the package", { copy: { etc: "native/../../secret" } }, "copy"],
    ["a mode that is not octal", { directories: { tmp: "9999" } }, "directories"],
    ["an option in place of a package", { packages: ["--allow-unauthenticated"] }, "packages"],
    ["no package", { packages: [] }, "packages"],
    ["an unknown field", { packges: [] }, "packges"],
    ["an unknown kind of compile step", { compile: [{ kind: "x", sources: ["a"], output: "b" }] }, "compile"],
    ["what is to be kept and is not removed", { remove: ["var/**"], keep: ["var/log/**"] }, "keep"],
    [
      "a container's file in huge pages",
      { container: { kind: "tar", path: "/c.tar" }, hugePages: "usr/bin/node" },
      "hugePages",
    ],
    ["too little memory", { template: { memoryMb: 1 } }, "template"],
  ])("refuses %s, saying where", (_what, change, where) => {
    expect(() => parse(change)).toThrow(
      expect.objectContaining({ code: "recipe_invalid", message: expect.stringContaining(where) }),
    );
  });

  it("refuses what is not JSON", () => {
    expect(() => parseRecipe("{", "recipe.json")).toThrow(expect.objectContaining({ code: "recipe_invalid" }));
  });
});

describe("loadRecipe", () => {
  it("loads every recipe of this package", async () => {
    const names = await recipeNames();
    expect(names).toContain("python");
    for (const name of names) expect((await loadRecipe(name)).recipe.name).toBe(name);
  });

  it.each(["ruby", "../python", "", "Python"])(
    "refuses the unknown template %j and lists those there are",
    async (name) => {
      await expect(loadRecipe(name)).rejects.toMatchObject({
        code: "recipe_invalid",
        remedy: expect.stringContaining("python"),
      });
    },
  );
});

import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type HomeLayout, homeLayout, removeOwnRecipe } from "../../../../native/guest/build/index.js";
import { rootRequest } from "../../../../native/guest/build/root/artefact.js";
import { loadRecipe, recipeNames } from "../../../../native/guest/build/root/recipe.js";
import { type OwnTemplate, stageOwnTemplate } from "../../../../server/src/templates/own-template.js";

let directory: string;
let layout: HomeLayout;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "zeroboot-own-"));
  layout = homeLayout(join(directory, "home"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const own = () => ({ directory: layout.recipes });
const stage = (options: Partial<OwnTemplate> = {}) =>
  stageOwnTemplate(layout, { name: "mine", packages: [], ...options });
const request = async (name = "mine") => rootRequest(await loadRecipe(name, own()));

function write(name: string, content: string | object): string {
  const path = join(directory, name);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

async function publish(options: Partial<OwnTemplate> = {}): Promise<void> {
  await (await stage(options)).publish();
}

describe("a template of one's own", () => {
  it("adds to the template it is made from", async () => {
    await publish({ packages: ["python3-roman"], preload: "import roman", memoryMb: 512 });
    const { recipe, own: part } = await loadRecipe("mine", own());
    expect(recipe.packages).toEqual(expect.arrayContaining(["python3.11", "python3-roman"]));
    expect(recipe.template).toMatchObject({ memoryMb: 512, preload: "import roman", preloadSeconds: 300 });
    expect(recipe.template.warmupCells.length).toBeGreaterThan(0);
    expect(part?.added).toEqual(["python3-roman"]);
    expect(await recipeNames(own())).toEqual([...(await recipeNames()), "mine"]);
  });

  it("is listed only when it has been published", async () => {
    const staged = await stage({ packages: ["python3-roman"] });
    expect(await recipeNames(own())).not.toContain("mine");
    await expect(loadRecipe("mine", own())).rejects.toMatchObject({ code: "recipe_invalid" });
    expect((await loadRecipe("mine", { ...own(), staged: staged.directory })).recipe.name).toBe("mine");
    await staged.discard();
    await staged.discard();
    expect(readdirSync(layout.work)).toEqual([]);
  });

  it.each([
    ["a name that is taken", { name: "python" }, "config_invalid", /comes with the program/],
    ["a name that is none", { name: "../evil" }, "config_invalid", /--name/],
    ["nothing to be made from", { from: "/no/such" }, "config_invalid", /no template, directory or file/],
    ["an option in place of a package", { packages: ["--force-yes"] }, "recipe_invalid", /Debian package name/],
    ["an empty preload", { preload: "" }, "recipe_invalid", /preload/],
    ["too little memory to be any", { memoryMb: 1 }, "recipe_invalid", /memoryMb/],
  ])("with %s is refused, and leaves nothing", async (_, options, code, message) => {
    await expect(stage(options)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    expect(existsSync(layout.work) ? readdirSync(layout.work) : []).toEqual([]);
  });

  it("has an image of its own content: a name, a title or more memory make no other", async () => {
    await publish({ packages: ["python3-roman"] });
    const before = await request();
    await publish({ packages: ["python3-roman"], memoryMb: 512 });
    await publish({ name: "other", packages: ["python3-roman"] });
    expect([await request(), await request("other")]).toEqual([before, before]);
    await publish({ packages: ["python3-roman"], preload: "import roman" });
    expect(await request()).not.toBe(before);
  });
});

describe("a recipe's file", () => {
  it("brings files of its folder, which its image depends on", async () => {
    mkdirSync(join(directory, "data"));
    write("data/a.txt", "a");
    const from = write("recipe.json", { extends: "python", files: { "opt/data": "data" } });
    await publish({ from });
    expect(existsSync(join(layout.recipes, "mine/files/data/a.txt"))).toBe(true);
    const before = await request();
    write("data/a.txt", "b");
    await publish({ from });
    expect(await request()).not.toBe(before);
    write("data/a.txt", "a");
    write("data/.hidden", "");
    await publish({ from });
    expect(await request()).not.toBe(before);
    rmSync(join(directory, "data/.hidden"));
    await publish({ from });
    expect(await request()).toBe(before);
  });

  it.each([
    ["is not JSON", "{", /is not JSON/],
    ["holds no recipe", "[]", /holds no recipe/],
    ["has an unknown field", { extends: "python", packges: [] }, /packges/],
    ["takes a file from outside its folder", { extends: "python", files: { x: "../x" } }, /files/],
    ["takes a file that is not there", { extends: "python", files: { x: "none" } }, /not there/],
    ["takes a file through a link", { extends: "python", files: { x: "way/passwd" } }, /goes through way/],
    ["takes a link", { extends: "python", files: { x: "link" } }, /neither a file nor a directory/],
    ["copies from outside the source tree", { extends: "python", copy: { x: "../../etc/passwd" } }, /copy/],
    ["extends nothing that is known", { extends: "cobol" }, /unknown template/],
    ["extends itself", { extends: "mine" }, /unknown template|extend each other/],
  ])("that %s is refused", async (_, content, message) => {
    symlinkSync("/etc/passwd", join(directory, "link"));
    symlinkSync("/etc", join(directory, "way"));
    const from = write("recipe.json", content);
    await expect(stage({ from })).rejects.toMatchObject({ message: expect.stringMatching(message) });
    expect(existsSync(layout.work) ? readdirSync(layout.work) : []).toEqual([]);
  });
});

describe("a container", () => {
  it("gives the agent a root, whose own packages stay", async () => {
    const from = write("container.tar", "content");
    await publish({ from, preload: "import app" });
    const { recipe } = await loadRecipe("mine", own());
    expect(recipe.container).toEqual({ kind: "tar", path: from });
    expect(recipe.packages).toEqual([]);
    expect(Object.keys(recipe.copy).sort()).toEqual([
      "etc/hostname",
      "etc/hosts",
      "usr/lib/zeroboot/start",
      "usr/lib/zeroboot/zeroboot",
    ]);
    // Nothing of it is run on this machine.
    expect(recipe.bytecode).toBeUndefined();
  });

  it.each(["tar", "directory"])("that changes makes another image: %s", async (kind) => {
    const from = kind === "tar" ? write("container.tar", "content") : join(directory, "root");
    if (kind === "directory") mkdirSync(from);
    const file = kind === "tar" ? from : join(from, "file");
    writeFileSync(file, "content");
    await publish({ from });
    const before = await request();
    expect(await request()).toBe(before);
    writeFileSync(file, "c0ntent");
    expect(await request()).not.toBe(before);
    // With the content back it is the same again, whatever the times say.
    writeFileSync(file, "content");
    expect(await request()).toBe(before);
    rmSync(from, { recursive: true });
    expect(await request()).toBe(before);
  });
});

describe("removing one's own", () => {
  it("is refused while another is made from it", async () => {
    await publish({ packages: ["python3-roman"] });
    await publish({ name: "other", from: "mine" });
    await expect(removeOwnRecipe(layout, "mine")).rejects.toMatchObject({
      code: "recipe_invalid",
      message: expect.stringContaining("other"),
    });
    await removeOwnRecipe(layout, "other");
    await removeOwnRecipe(layout, "mine");
    expect(await recipeNames(own())).toEqual(await recipeNames());
  });
});

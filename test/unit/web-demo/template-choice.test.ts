import { describe, expect, it } from "vitest";
import { templateNames } from "../../../web-demo/src/template-choice.js";

describe("the templates a server names", () => {
  it("are those of its health, in its order", () => {
    const health = { status: "ok", templates: { python: { ready: true }, node: { ready: false } } };
    expect(templateNames(health)).toEqual(["python", "node"]);
  });

  it.each([undefined, null, 1, "x", [], {}, { templates: null }, { templates: 3 }])("are none in %j", (health) => {
    expect(templateNames(health)).toEqual([]);
  });
});

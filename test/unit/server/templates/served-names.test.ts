import { describe, expect, it } from "vitest";
import { servedNames } from "../../../../server/src/templates/served-names.js";

const known = ["node", "python", "shell"];

describe("the templates of a server", () => {
  it("are the default and all others that can be made, unless they are listed", () => {
    expect(servedNames({ template: "python", templates: undefined }, known)).toEqual(["python", "node", "shell"]);
    expect(servedNames({ template: "python", templates: ["shell", "python", "shell"] }, known)).toEqual([
      "python",
      "shell",
    ]);
    expect(servedNames({ template: "python", templates: [] }, known)).toEqual(["python"]);
  });

  it("must be known where they are listed", () => {
    expect(() => servedNames({ template: "python", templates: ["node", "cobol"] }, known)).toThrow(
      expect.objectContaining({ code: "config_invalid", message: expect.stringMatching(/--templates.*cobol/) }),
    );
  });
});

import { describe, expect, it } from "vitest";
import { errorCode, errorRemedy, ServerError } from "../../../server/src/errors.js";

describe("an error", () => {
  it("has a code for programs, a message for people and what to do", () => {
    const cause = new Error("EACCES");
    const error = new ServerError("port_in_use", "taken", { remedy: "Choose another.", cause });
    expect(error).toBeInstanceOf(Error);
    expect([error.name, error.code, error.message, error.remedy, error.cause]).toEqual([
      "ServerError",
      "port_in_use",
      "taken",
      "Choose another.",
      cause,
    ]);
    expect([errorCode(error), errorRemedy(error)]).toEqual(["port_in_use", "Choose another."]);
  });

  it("has no cause and no remedy unless given", () => {
    const error = new ServerError("internal", "a bug");
    expect("cause" in error).toBe(false);
    expect(errorRemedy(error)).toBeUndefined();
  });

  it("is read from Node's and other errors too, and from nothing that is not one", () => {
    expect(errorCode(Object.assign(new Error(), { code: "ENOENT" }))).toBe("ENOENT");
    expect(errorCode(Object.assign(new Error(), { code: 20 }))).toBeUndefined();
    expect(errorCode({ code: "ENOENT" })).toBeUndefined();
    expect(errorCode(undefined)).toBeUndefined();
    expect(errorRemedy({ remedy: "x" })).toBeUndefined();
  });
});

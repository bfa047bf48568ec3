import { describe, expect, it } from "vitest";
import { creditCost } from "../../../client/src/protocol/credit.js";

describe("creditCost", () => {
  it("counts the payload of output, in bytes", () => {
    expect(creditCost({ type: "stdout", id: "1", seq: 0, data: new Uint8Array(5) })).toBe(5);
    expect(creditCost({ type: "stderr", id: "1", seq: 0, data: new Uint8Array(0) })).toBe(0);
    expect(creditCost({ type: "result", id: "1", bundle: { "text/plain": "é", "image/png": new Uint8Array(3) } })).toBe(
      5,
    );
    expect(creditCost({ type: "display", id: "1", bundle: { "text/plain": "", "text/html": "€" } })).toBe(3);
    expect(creditCost({ type: "error", id: "1", name: "E", message: "€", traceback: "t" })).toBe(5);
  });

  it("counts nothing else", () => {
    expect(creditCost({ type: "inputRequest", id: "1", prompt: "long prompt", password: false })).toBe(0);
    expect(creditCost({ type: "pong", nonce: 1 })).toBe(0);
    expect(creditCost({ type: "failure", code: "internal", message: "long message" })).toBe(0);
  });
});

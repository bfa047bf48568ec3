import { describe, expect, it } from "vitest";
import { Credit } from "../../../../server/src/session/credit.js";

describe("credit", () => {
  it("is spent, and granted anew", () => {
    const credit = new Credit(100, 1000);
    credit.spend(60);
    expect(credit.available).toBe(40);
    credit.grant(10);
    expect(credit.available).toBe(50);
  });

  it("is none while the balance is below zero, which is paid back first", () => {
    const credit = new Credit(100, 1000);
    credit.spend(300);
    expect(credit.available).toBe(0);
    credit.grant(150);
    expect(credit.available).toBe(0);
    credit.grant(51);
    expect(credit.available).toBe(1);
  });

  it("is not remembered above the ceiling, however often it is granted", () => {
    const credit = new Credit(100, 1000);
    for (let at = 0; at < 100; at++) credit.grant(999);
    expect(credit.available).toBe(1000);
    credit.spend(1000);
    expect(credit.available).toBe(0);
  });
});

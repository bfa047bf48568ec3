import { describe, expect, it } from "vitest";
import { Model, step } from "../../soak/model.js";

describe("Model", () => {
  it("says what a survey of its session prints", () => {
    const model = new Model("me");
    expect(model.survey()).toBe('{"owner":null,"variables":{},"files":{}}\n');
    model.variables.set("v_2", 7).set("v_10", 8);
    model.files.set("/tmp/soak-1", "ä");
    expect(model.survey()).toBe('{"owner":"me","variables":{"v_10":8,"v_2":7},"files":{"/tmp/soak-1":"ä"}}\n');
    model.restarted();
    expect(model.survey()).toBe('{"owner":null,"variables":{},"files":{}}\n');
  });

  it("calculates as the cell does", () => {
    const [statement, next] = step("v_1", 1_000_002, 99_999, 999);
    expect(statement).toBe("v_1 = (v_1 * 99999 + 999) % 1000003");
    expect(next).toBe(Number((1_000_002n * 99_999n + 999n) % 1_000_003n));
  });
});

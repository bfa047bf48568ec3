import { describe, expect, it } from "vitest";
import { paintTraceback, takesColor } from "../../../../../server/src/cli/repl/paint.js";

describe("colours", () => {
  it.each([
    [{ isTTY: true }, {}, true],
    [{ isTTY: true }, { NO_COLOR: "" }, true],
    [{ isTTY: true }, { NO_COLOR: "1" }, false],
    [{ isTTY: true }, { TERM: "dumb" }, false],
    [{ isTTY: false }, {}, false],
    [{}, {}, false],
  ])("are for terminals whose user did not say no: %j %j", (stream, environment, expected) => {
    expect(takesColor(stream, environment)).toBe(expected);
  });

  it("make places and the exception stand out and change no word", () => {
    const traceback = [
      "Traceback (most recent call last):",
      '  File "<cell 1>", line 1, in <module>',
      "    1/0",
      "ZeroDivisionError: division by zero",
      "",
    ].join("\n");
    const painted = paintTraceback(traceback);
    expect(painted).toContain('\x1b[36m"<cell 1>", line 1\x1b[0m, in <module>');
    expect(painted).toContain("\x1b[1;31mZeroDivisionError\x1b[0m\x1b[31m: division by zero\x1b[0m");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the colours are what is taken out
    expect(painted.replace(/\x1b\[[\d;]*m/g, "")).toBe(traceback);
    expect(paintTraceback("KeyboardInterrupt\n")).toBe("\x1b[1;31mKeyboardInterrupt\x1b[0m\n");
  });
});

import { describe, expect, it } from "vitest";
import { loadConfig, requireSafeBind } from "../../../../server/src/config/config.js";

type Flags = Parameters<typeof loadConfig>[0];

/** The error's message for this one flag. */
function complaint(flags: Flags, environment: Record<string, string> = {}): string {
  try {
    loadConfig(flags, environment);
  } catch (error) {
    expect(error).toMatchObject({ code: "config_invalid", remedy: expect.any(String) });
    return (error as Error).message;
  }
  throw new Error(`accepted: ${JSON.stringify(flags)}`);
}

describe("the configuration", () => {
  it("is safe with nothing given: loopback, and none but loopback's names and pages", () => {
    expect(loadConfig({}, {})).toMatchObject({
      host: "127.0.0.1",
      port: 8080,
      allowHost: [],
      allowOrigin: [],
      template: "python",
      maxSessions: 1000,
      defaultTimeoutMs: 60_000,
      maxTimeoutMs: 3_600_000,
      shutdownTimeoutMs: 5000,
    });
  });

  it("takes flags before variables before defaults; an empty variable is none", () => {
    const environment = { ZEROBOOT_PORT: "1", ZEROBOOT_MAX_SESSIONS: "2", ZEROBOOT_TEMPLATE: "" };
    expect(loadConfig({ port: "0" }, environment)).toMatchObject({ port: 0, maxSessions: 2, template: "python" });
  });

  it("takes lists separated by commas", () => {
    const { allowHost, allowOrigin } = loadConfig(
      { allowHost: "a.test, [fd00::1],,B.test", allowOrigin: "https://a.test,http://b.test:3000" },
      {},
    );
    expect(allowHost).toEqual(["a.test", "[fd00::1]", "B.test"]);
    expect(allowOrigin).toEqual(["https://a.test", "http://b.test:3000"]);
  });

  it("passes over variables that are not its own", () => {
    expect(loadConfig({}, { ZEROBOOT_HOME: "/x", ZEROBOOT_API_KEY: "k", PORT: "1" }).port).toBe(8080);
  });

  it.each<[string, Flags]>([
    ["--port", { port: "65536" }],
    ["--port", { port: "-1" }],
    ["--port", { port: "80.5" }],
    ["--port", { port: "0x50" }],
    ["--port", { port: " 80" }],
    ["--port", { port: "" }],
    ["--host", { host: "" }],
    ["--allow-host", { allowHost: "a.test:80" }],
    ["--allow-host", { allowHost: "https://a.test" }],
    ["--allow-host", { allowHost: "*" }],
    ["--allow-origin", { allowOrigin: "*" }],
    ["--allow-origin", { allowOrigin: "a.test" }],
    ["--allow-origin", { allowOrigin: "https://a.test/" }],
    ["--allow-origin", { allowOrigin: "null" }],
    ["--memory-mb", { memoryMb: "63" }],
    ["--memory-mb", { memoryMb: "3073" }],
    ["--log-level", { logLevel: "loud" }],
    ["--max-sessions", { maxSessions: "0" }],
    ["--max-timeout-ms", { maxTimeoutMs: "3600001" }],
    ["--max-queued-executions", { maxQueuedExecutions: "65" }],
    ["--session-idle-timeout-ms", { sessionIdleTimeoutMs: "999" }],
  ])("refuses %s and names it: %j", (flag, flags) => expect(complaint(flags)).toMatch(new RegExp(`^${flag}: `)));

  it("names the variable when that is where the value came from", () => {
    expect(complaint({}, { ZEROBOOT_MEMORY_MB: "lots" })).toBe("ZEROBOOT_MEMORY_MB: expected a whole number");
  });

  it("refuses a default timeout that no cell could ask for", () => {
    expect(complaint({ maxTimeoutMs: "1000" })).toContain("default timeout");
    expect(loadConfig({ maxTimeoutMs: "1000", defaultTimeoutMs: "1000" }, {}).defaultTimeoutMs).toBe(1000);
  });
});

describe("an address others can reach", () => {
  it.each(["0.0.0.0", "::", "192.0.2.1", "box.test", "[::]"])("needs keys: %s", (host) => {
    expect(() => requireSafeBind(host, false)).toThrow(
      expect.objectContaining({ code: "insecure_bind", remedy: expect.stringContaining("--api-keys-file") }),
    );
    requireSafeBind(host, true);
  });

  it.each(["127.0.0.1", "127.1.2.3", "localhost", "::1"])("is not %s", (host) => requireSafeBind(host, false));
});

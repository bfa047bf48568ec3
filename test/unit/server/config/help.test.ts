import { describe, expect, it } from "vitest";
import { loadConfig } from "../../../../server/src/config/config.js";
import { CONFIG_HELP, configFlags, flagOf, variableOf } from "../../../../server/src/config/help.js";

describe("help", () => {
  it("names a setting's flag and variable after it", () => {
    expect(flagOf("apiKeysFile")).toBe("--api-keys-file");
    expect(variableOf("apiKeysFile")).toBe("ZEROBOOT_API_KEYS_FILE");
    expect(flagOf("host")).toBe("--host");
    expect(variableOf("sessionIdleTimeoutMs")).toBe("ZEROBOOT_SESSION_IDLE_TIMEOUT_MS");
  });

  it("has one line for every setting that has a default, and no other default than the setting's", () => {
    const defaults = loadConfig({}, {});
    for (const [name, value] of Object.entries(defaults)) {
      if (typeof value !== "number") continue;
      expect(CONFIG_HELP[name as keyof typeof CONFIG_HELP].join(" ")).toContain(`(${value})`);
    }
    expect(configFlags()).toHaveLength(Object.keys(CONFIG_HELP).length);
    expect(configFlags()[0]).toMatchObject({ flag: "--host", value: "address" });
    expect(configFlags()[0]?.text).toContain("[ZEROBOOT_HOST]");
  });
});

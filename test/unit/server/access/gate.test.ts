import { describe, expect, it } from "vitest";
import { ApiKeys } from "../../../../server/src/access/api-keys.js";
import { TrustedProxies } from "../../../../server/src/access/client-address.js";
import { Gate } from "../../../../server/src/access/gate.js";
import { KeyRing } from "../../../../server/src/access/key-ring.js";
import {
  DEMO_REQUESTS_PER_MINUTE,
  KEY_REQUESTS_PER_SECOND,
  RateLimits,
} from "../../../../server/src/access/rate-limits.js";
import { request } from "../request.js";

const gateOf = (keys: ApiKeys | undefined, proxies: string[] = []) =>
  new Gate(new KeyRing(() => keys), new RateLimits(), new TrustedProxies(proxies));
const keys = new ApiKeys([{ key: "zb_live_1" }, { key: "zb_demo_1" }, { key: "old", expiresAt: 1 }]);
const asks = (key: string, address = "10.0.0.1", headers: Record<string, string> = {}) =>
  request({ authorization: `Bearer ${key}`, ...headers }, { remoteAddress: address });

describe("the gate", () => {
  it("lets everybody in, as often as they like, where there are no keys", () => {
    const gate = gateOf(undefined);
    for (let i = 0; i < 1000; i++) expect(gate.admit(request())).toMatchObject({ owner: undefined });
  });

  it("knows keys, and those that have ended", () => {
    const gate = gateOf(keys);
    expect(gate.admit(request())).toEqual({ code: "unauthorized" });
    expect(gate.admit(asks("other"))).toEqual({ code: "unauthorized" });
    expect(gate.admit(asks("old"))).toEqual({ code: "key_expired" });
    expect(gate.admit(asks("zb_live_1"))).toMatchObject({ owner: expect.any(String), address: "10.0.0.1" });
  });

  it("lets a key do what its role says, and nothing else", () => {
    const gate = gateOf(new ApiKeys([{ key: "runs" }, { key: "reads", role: "metrics" }]));
    expect(gate.admit(asks("runs"), "metrics")).toEqual({ code: "key_not_permitted" });
    expect(gate.admit(asks("reads"))).toEqual({ code: "key_not_permitted" });
    expect(gate.identify(asks("reads"))).toEqual({ code: "key_not_permitted" });
    expect(gate.admit(asks("reads"), "metrics")).toMatchObject({ holder: { role: "metrics" } });
    expect(gateOf(undefined).admit(request(), "metrics")).not.toHaveProperty("code");
  });

  it("limits a key, wherever it asks from", () => {
    const gate = gateOf(keys);
    for (let i = 0; i < KEY_REQUESTS_PER_SECOND; i++) expect(gate.admit(asks("zb_live_1"))).not.toHaveProperty("code");
    expect(gate.admit(asks("zb_live_1", "10.0.0.2"))).toEqual({ code: "rate_limited", retryAfter: 1 });
  });

  it("limits the demo key by address, and so it divides its sessions", () => {
    const gate = gateOf(keys);
    for (let i = 0; i < DEMO_REQUESTS_PER_MINUTE; i++) expect(gate.admit(asks("zb_demo_1"))).not.toHaveProperty("code");
    expect(gate.admit(asks("zb_demo_1"))).toMatchObject({ code: "rate_limited", retryAfter: expect.any(Number) });
    const other = gate.admit(asks("zb_demo_1", "10.0.0.2"));
    expect(other).toMatchObject({ owner: expect.stringMatching(/@10\.0\.0\.2$/) });
  });

  it("counts every request of a batch", () => {
    const gate = gateOf(keys);
    const caller = gate.identify(asks("zb_live_1"));
    if ("code" in caller) throw new TypeError("the key is known");
    expect(gate.charge(caller, KEY_REQUESTS_PER_SECOND)).toBeUndefined();
    expect(gate.charge(caller, 1)).toMatchObject({ code: "rate_limited" });
  });
});

describe("the client's address", () => {
  const proxies = new TrustedProxies(["10.0.0.0/8", "fd00::1"]);

  it.each([
    ["192.0.2.1", undefined, "192.0.2.1"],
    ["192.0.2.1", "203.0.113.9", "192.0.2.1"],
    ["10.1.2.3", "203.0.113.9", "203.0.113.9"],
    ["10.1.2.3", "198.51.100.1, 203.0.113.9", "203.0.113.9"],
    ["10.1.2.3", "203.0.113.9, 10.9.9.9", "203.0.113.9"],
    ["10.1.2.3", "10.9.9.9", "10.9.9.9"],
    ["10.1.2.3", "nonsense", "10.1.2.3"],
    ["10.1.2.3", undefined, "10.1.2.3"],
    ["::ffff:10.1.2.3", "203.0.113.9", "203.0.113.9"],
    ["0000:0000:0000:0000:0000:ffff:0a01:0203", "203.0.113.9", "203.0.113.9"],
    ["fd00::1", "2001:db8::7", "2001:db8::7"],
    ["fd00::2", "2001:db8::7", "fd00::2"],
  ])("of %s, forwarded for %s, is %s", (peer, forwarded, address) => {
    expect(proxies.clientAddress(peer, forwarded)).toBe(address);
  });

  it.each(["", "10.0.0.0/33", "10.0.0.0/", "10.0.0", "proxy.test", "10.0.0.0/8/8", "fd00::/129"])(
    "cannot be behind %j",
    (entry) => expect(() => new TrustedProxies([entry])).toThrow(expect.objectContaining({ code: "config_invalid" })),
  );
});

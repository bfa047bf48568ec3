import { describe, expect, it } from "vitest";
import { HostPolicy, isLoopback } from "../../../../server/src/access/host-policy.js";

describe("loopback", () => {
  it.each(["localhost", "LOCALHOST", "127.0.0.1", "127.255.0.9", "::1", "[::1]"])("is %s", (name) => {
    expect(isLoopback(name)).toBe(true);
  });

  it.each(["0.0.0.0", "::", "127.0.0.1.evil.test", "localhost.evil.test", "128.0.0.1", "127.0.0", "", "localhost."])(
    "is not %j",
    (name) => expect(isLoopback(name)).toBe(false),
  );
});

describe("the Host header", () => {
  const policy = new HostPolicy(["Box.Test", "FD00:0::5", "192.0.2.7"], []);

  it.each([
    "localhost",
    "LocalHost:8080",
    "127.0.0.1:1",
    "[::1]:8080",
    "[0:0:0:0:0:0:0:1]",
    "box.test",
    "BOX.test:443",
    "[fd00::5]:8080",
    "192.0.2.7:8080",
  ])("may be %s", (host) => expect(policy.allowsHost(host)).toBe(true));

  it.each([
    undefined,
    "",
    "evil.test",
    "evil.test:8080",
    "sub.box.test",
    "box.test.evil.test",
    "localhost, evil.test",
    "evil.test@localhost",
    "localhost/evil",
    "localhost:80:80",
    "localhost:",
    "localhost:999999",
    "[::1",
    "[fd00::6]",
    "[::ffff:10.0.0.1]",
    "local\thost",
  ])("must not be %j", (host) => expect(policy.allowsHost(host)).toBe(false));
});

describe("the Origin header", () => {
  const policy = new HostPolicy(["box.test"], ["https://app.test", "http://app.test:3000"]);

  it.each([
    ["http://localhost:8080", "localhost:8080"],
    ["http://127.0.0.1:8080", "127.0.0.1:8080"],
    ["http://[::1]:8080", "[::1]:8080"],
    ["https://box.test", "box.test"],
    ["http://box.test", "box.test:80"],
    ["https://app.test", "localhost:8080"],
    ["https://APP.test", "localhost:8080"],
    ["http://app.test:3000", "localhost:8080"],
  ])("may be %s at %s", (origin, host) => expect(policy.allowsOrigin(origin, host)).toBe(true));

  it.each([
    ["http://localhost:3000", "localhost:8080"],
    ["http://localhost", "localhost:8080"],
    ["https://evil.test", "localhost:8080"],
    ["http://app.test", "localhost:8080"],
    ["https://app.test:3000", "localhost:8080"],
    ["https://sub.app.test", "localhost:8080"],
    ["null", "localhost:8080"],
    ["", "localhost:8080"],
    ["file:///etc/passwd", "localhost:8080"],
    ["chrome-extension://localhost:8080", "localhost:8080"],
    ["https://app.test, https://evil.test", "localhost:8080"],
    ["http://localhost:8080", undefined],
  ])("must not be %j at %s", (origin, host) => expect(policy.allowsOrigin(origin, host)).toBe(false));
});

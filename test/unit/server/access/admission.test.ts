import { SUBPROTOCOL } from "@zeroboot/sdk/protocol";
import { describe, expect, it } from "vitest";
import {
  checkOrigin,
  offeredSubprotocols,
  offersSubprotocol,
  parseSessionRequest,
  presentedKey,
} from "../../../../server/src/access/admission.js";
import { HostPolicy } from "../../../../server/src/access/host-policy.js";
import { request } from "../request.js";

describe("who asks", () => {
  const policy = new HostPolicy([], ["https://app.test"]);

  it("may be a program, which sends no Origin", () => {
    expect(checkOrigin(request(), policy)).toBeUndefined();
  });

  it("is refused by Host before Origin is looked at", () => {
    expect(checkOrigin(request({ host: "evil.test", origin: "https://app.test" }), policy)).toBe("host_forbidden");
  });

  it("is refused when the page is foreign", () => {
    expect(checkOrigin(request({ origin: "https://evil.test" }), policy)).toBe("origin_forbidden");
    expect(checkOrigin(request({ origin: "" }), policy)).toBe("origin_forbidden");
  });
});

describe("the API key", () => {
  const by = (authorization: string) => presentedKey(request({ authorization }));
  const bySubprotocol = (header: string) => presentedKey(request({ "sec-websocket-protocol": header }));

  it.each(["Bearer key-1", "bearer key-1", "BEARER   key-1"])("is presented as %j", (header) => {
    expect(by(header)).toBe("key-1");
  });

  it.each(["", "key-1", "Bearer", "Bearer key-1 key-2", "Basic key-1", "Bearer key-1, Bearer key-2"])(
    "is not presented as %j",
    (header) => expect(by(header)).toBeUndefined(),
  );

  it("may come as a second subprotocol, for browsers", () => {
    expect(bySubprotocol(`${SUBPROTOCOL}, bearer.key-2`)).toBe("key-2");
    expect(bySubprotocol("bearer.key-2")).toBe("key-2");
    expect(bySubprotocol(SUBPROTOCOL)).toBeUndefined();
  });

  it("is that of the header when both are there", () => {
    const both = request({ authorization: "Bearer wrong", "sec-websocket-protocol": "bearer.key-1" });
    expect(presentedKey(both)).toBe("wrong");
  });
});

describe("the offered subprotocols", () => {
  it.each([
    ["zeroboot.v1.msgpack", true],
    [" other ,zeroboot.v1.msgpack,", true],
    ["zeroboot.v1.json", false],
    ["zeroboot.v1.msgpack2", false],
    ["Zeroboot.V1.Msgpack", false],
    ["", false],
  ])("%j: %s", (header, offers) => {
    expect(offersSubprotocol(offeredSubprotocols(request({ "sec-websocket-protocol": header })))).toBe(offers);
  });
});

describe("a session's query", () => {
  it("may name a template", () => {
    expect(parseSessionRequest("")).toEqual({ template: undefined });
    expect(parseSessionRequest("template=python")).toEqual({ template: "python" });
    expect(parseSessionRequest("template=py%74hon")).toEqual({ template: "python" });
  });

  it.each(["template=", "template=a&template=b", "tmpl=a", "template=a&x=1", "="])("is refused as %j", (query) => {
    expect(parseSessionRequest(query)).toBe("options_invalid");
  });
});

import { PassThrough } from "node:stream";
import { ZerobootError } from "@zeroboot/sdk";
import { describe, expect, it } from "vitest";
import { whileTemplateIsMade } from "../../../../server/src/cli/wait-for-template.js";

const building = () => new ZerobootError("template_building", "The template node is being made: 40 %.");
const never = new AbortController().signal;

function screen(): { readonly stream: PassThrough; text(): string } {
  const stream = new PassThrough();
  let text = "";
  stream.on("data", (data) => {
    text += String(data);
  });
  return { stream: Object.assign(stream, { isTTY: true }), text: () => text };
}

describe("waiting for a server's template", () => {
  it("says nothing where it is there", async () => {
    const { stream, text } = screen();
    expect(await whileTemplateIsMade(async () => "session", stream, never)).toBe("session");
    expect(text()).toBe("");
  });

  it("tries again and shows how far it is", async () => {
    const { stream, text } = screen();
    let tries = 0;
    const connect = async (): Promise<string> => {
      if (tries++ < 2) throw building();
      return "session";
    };
    expect(await whileTemplateIsMade(connect, stream, never, 150)).toBe("session");
    expect(tries).toBe(3);
    expect(text()).toContain("waiting for the server's template");
    expect(text()).toContain("The template node is being made: 40 %.");
  });

  it("ends with any other error", async () => {
    const { stream } = screen();
    let tries = 0;
    const connect = async (): Promise<string> => {
      throw tries++ === 0 ? building() : new ZerobootError("template_failed", "could not be made");
    };
    await expect(whileTemplateIsMade(connect, stream, never, 1)).rejects.toMatchObject({ code: "template_failed" });
  });

  it("ends with the signal's reason", async () => {
    const { stream } = screen();
    const controller = new AbortController();
    const waits = whileTemplateIsMade(
      async () => {
        setImmediate(() => controller.abort());
        throw building();
      },
      stream,
      controller.signal,
      60_000,
    );
    const error = await waits.catch((reason: unknown) => reason);
    expect(error).toBe(controller.signal.reason);
  });
});

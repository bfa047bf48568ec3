import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import { WebSocket } from "ws";
import { checkTlsFiles } from "../../../../server/src/transport/tls-files.js";
import { Acceptor, listen } from "./server.js";

const scratch = mkdtempSync(join(tmpdir(), "zeroboot-tls-"));
afterAll(() => rmSync(scratch, { recursive: true }));
const missing = spawnSync("openssl", ["version"]).error !== undefined;
if (missing) console.warn("\n  TLS IS NOT TESTED: there is no openssl to make a certificate\n");

function selfSigned(name: string) {
  const [key, certificate] = [join(scratch, `${name}.key`), join(scratch, `${name}.crt`)];
  execFileSync("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"],
    ...["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate],
  ]);
  return { key, certificate };
}

describe.skipIf(missing)("TLS", () => {
  it("carries HTTP and WebSocket", async () => {
    const tls = selfSigned("one");
    const acceptor = new Acceptor((connection) => connection.send(new Uint8Array([1, 2, 3])));
    const { port } = await listen(acceptor, { tls });
    const ca = readFileSync(tls.certificate);
    const status = await new Promise((resolve, reject) => {
      get({ host: "localhost", port, ca, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).on("error", reject);
    });
    expect(status).toBe(404);
    const socket = new WebSocket(`wss://localhost:${port}/v1/session`, { ca });
    onTestFinished(() => socket.terminate());
    const message = await new Promise((resolve, reject) => {
      socket.once("message", resolve);
      socket.once("error", reject);
    });
    expect(message).toEqual(Buffer.from([1, 2, 3]));
  });

  it("is refused with files that do not do, and says which and why", () => {
    const [one, two] = [selfSigned("first"), selfSigned("second")];
    const garbage = join(scratch, "garbage");
    writeFileSync(garbage, "SECRET nonsense");
    const refused = (files: { key: string; certificate: string }, now?: Date) => {
      try {
        checkTlsFiles(files, now);
      } catch (error) {
        expect(error).toMatchObject({ code: "tls_invalid", remedy: expect.any(String) });
        return String(error);
      }
      throw new Error("it was taken");
    };
    expect(refused({ ...one, key: two.key })).toContain("is not that of the certificate");
    expect(refused({ ...one, key: join(scratch, "none") })).toContain("ENOENT");
    expect(refused({ ...one, key: garbage })).not.toContain("SECRET");
    expect(refused({ ...one, certificate: garbage })).not.toContain("SECRET");
    expect(refused(one, new Date(Date.now() + 3 * 86_400_000))).toContain("ended at");
    expect(checkTlsFiles(one)).toEqual([]);
    chmodSync(one.key, 0o644);
    expect(checkTlsFiles(one)).toEqual([expect.stringContaining("others than its owner")]);
  });
});

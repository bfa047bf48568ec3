import { connect } from "node:net";

/** Send these very lines as one HTTP request and answer everything that comes back until the server closes or `until` fits. */
export function rawRequest(port: number, lines: readonly string[], until: RegExp = /\r\n\r\n/): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port }, () => socket.write(`${lines.join("\r\n")}\r\n\r\n`));
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      if (until.test(text)) socket.end();
    });
    socket.on("close", () => resolve(text));
    socket.on("error", reject);
  });
}

/** The lines of a WebSocket handshake, for {@link rawRequest}. */
export function handshake(path: string, headers: readonly string[]): string[] {
  return [
    `GET ${path} HTTP/1.1`,
    ...headers,
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
  ];
}

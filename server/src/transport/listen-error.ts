import { createServer } from "node:net";
import { ServerError } from "../errors.js";

/**
 * Why listening failed: uWebSockets.js says only that it did, so the same is tried with Node's
 * own sockets, which say why.
 */
export async function listenError(host: string, port: number): Promise<ServerError> {
  const cause = await tryListening(host, port);
  const where = `${host} port ${port}`;
  switch (cause?.code) {
    case "EADDRINUSE":
      return new ServerError("port_in_use", `${where} is in use by another program`, {
        remedy: "Choose another port with --port (or ZEROBOOT_PORT), or stop the program that listens there.",
        cause,
      });
    case "EACCES":
      return new ServerError("listen_failed", `this user may not listen on ${where}`, {
        remedy: "Choose a port above 1023.",
        cause,
      });
    default:
      return new ServerError(
        "listen_failed",
        `cannot listen on ${where}${cause === undefined ? "" : `: ${cause.message}`}`,
        {
          remedy: "Choose an address of this machine with --host (or ZEROBOOT_HOST).",
          cause,
        },
      );
  }
}

function tryListening(host: string, port: number): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", (error: NodeJS.ErrnoException) => resolve(error));
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve(undefined)));
  });
}

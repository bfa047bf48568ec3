import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import { Packr } from "msgpackr";
import { WebSocket } from "ws";
import type { Random } from "../random.js";
import { hostileMessage } from "./messages.js";

const msgpack = new Packr({ useRecords: false });
/** Without an end within this, one is brought about, milliseconds. */
const LONGEST_ATTACK_MS = 10_000;

/** What attackers have done. */
export interface AttackCounts {
  connections: number;
  messages: number;
  /** Connections the server ended, by close code. */
  readonly closes: Map<number, number>;
}

/** Somebody who means harm, one connection after another. */
export async function attack(url: string, random: Random, counts: AttackCounts, until: AbortSignal): Promise<void> {
  while (!until.aborted) {
    counts.connections++;
    if (random.chance(0.15)) await breaksOff(url, random);
    else await talks(url, random, counts, until);
  }
}

/** Speaks WebSocket, and rubbish. */
async function talks(url: string, random: Random, counts: AttackCounts, until: AbortSignal): Promise<void> {
  const socket = new WebSocket(`${url.replace("http", "ws")}/v1/session`, ["zeroboot.v1.msgpack"]);
  const closed = new Promise<void>((resolve) => {
    socket.on("close", (code) => {
      counts.closes.set(code, (counts.closes.get(code) ?? 0) + 1);
      resolve();
    });
  });
  socket.on("error", () => {});
  const opened = new Promise<void>((resolve) => socket.on("open", () => resolve()));
  // Some read, some take no notice, some pay for what they get.
  const pays = random.chance(0.5);
  socket.on("message", (data) => {
    if (pays && socket.readyState === WebSocket.OPEN)
      socket.send(msgpack.pack({ type: "credit", bytes: (data as Buffer).length }));
  });
  const deadline = setTimeout(() => {
    socket.resume();
    socket.terminate();
  }, LONGEST_ATTACK_MS);
  await Promise.race([opened, closed]);
  if (random.chance(0.1)) socket.pause();
  // From before `ready` on, or when it is there.
  if (random.chance(0.7)) await pause(random.int(0, 300));
  for (let left = random.int(1, 400); left > 0 && socket.readyState === WebSocket.OPEN && !until.aborted; left--) {
    socket.send(hostileMessage(random));
    counts.messages++;
    if (random.chance(0.1)) await pause(random.int(0, 50));
  }
  if (random.chance(0.5)) socket.terminate();
  else socket.close();
  await closed;
  clearTimeout(deadline);
}

/** Speaks TCP: half a handshake, half a frame, or neither, and is gone. */
async function breaksOff(url: string, random: Random): Promise<void> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  const gone = new Promise<void>((resolve) => socket.on("close", () => resolve()));
  socket.on("error", () => {});
  // Nobody reads what comes back, but it must be taken for the end to be seen.
  socket.resume();
  const handshake = Buffer.from(
    `GET /v1/session HTTP/1.1\r\nHost: ${hostname}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: zeroboot.v1.msgpack\r\nSec-WebSocket-Key: ${randomBytes(16).toString("base64")}\r\n\r\n`,
  );
  const whole = random.chance(0.7);
  socket.write(whole ? handshake : handshake.subarray(0, random.int(0, handshake.length - 1)));
  if (whole) {
    await pause(random.int(0, 200));
    socket.write(halfFrame(random));
  }
  await pause(random.int(0, 200));
  if (random.chance(0.5)) socket.destroy();
  else socket.end();
  const timer = setTimeout(() => socket.destroy(), LONGEST_ATTACK_MS);
  await gone;
  clearTimeout(timer);
}

/** The beginning of a WebSocket frame whose header promises more, or lies. */
function halfFrame(random: Random): Uint8Array {
  const announced = random.pick([10, 1000, 100_000, 2 ** 31, 2 ** 40]);
  const header = Buffer.alloc(14);
  header[0] = random.pick([0x82, 0x02, 0x80, 0x88, 0x89, 0xf2, 0x83]);
  header[1] = 0xff;
  header.writeBigUInt64BE(BigInt(announced), 2);
  random.bytes(4).forEach((byte, i) => {
    header[10 + i] = byte;
  });
  return Buffer.concat([header, random.bytes(random.int(0, Math.min(announced, 5000)))]);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

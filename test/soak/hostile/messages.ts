import { Packr } from "msgpackr";
import { clientFrame } from "../../../client/src/protocol/frames.js";
import type { Random } from "../random.js";
import { valueFor, wildValue } from "./values.js";

const msgpack = new Packr({ useRecords: false, variableMapSize: true });

const CELLS: readonly string[] = [
  "print('x' * 1000)",
  "while True: pass",
  "while True: print('y' * 1000)",
  "import time\ntime.sleep(1000)",
  "input()",
  "1 / 0",
  "import os\nos._exit(1)",
  "import os\nos.kill(os.getpid(), 11)",
  "import os\nfor i in range(20): os.fork()",
  "import ctypes\nctypes.string_at(0)",
  "import threading, time\nfor i in range(50): threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()",
  "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass",
  "import sys\nsys.setrecursionlimit(1 << 30)\ndef f(): f()\nf()",
  "import os\nfor fd in range(3, 64):\n    try: os.close(fd)\n    except OSError: pass",
  "import sys\nsys.stdout = sys.stderr = sys.stdin = None\nprint(1)",
  "(lambda f: f(f))(lambda f: f(f))",
  "[[]] * (1 << 28)",
  "def",
  "",
];

/** @returns code of a cell */
function cell(random: Random): string {
  if (random.chance(0.02)) return "#".repeat(random.pick([65_536, 1_048_576, 1_048_577]));
  return random.chance(0.2) ? random.text(random.int(0, 500)) : random.pick(CELLS);
}

/** A frame as the schemas have it, but for what is wrong with it. */
export function frameLike(random: Random): Uint8Array {
  const { shape } = random.pick(clientFrame.options);
  const fields = Object.entries(shape).map(([name, schema]) => [name, valueFor(schema, name, random, cell)] as const);
  // Absent is absent: undefined is a value only where one was asked for.
  const frame = Object.fromEntries(fields.filter(([, value]) => value !== undefined));
  if (random.chance(0.05)) frame[random.token(5)] = wildValue(random);
  return msgpack.pack(frame);
}

/** One message of somebody who means harm. */
export function hostileMessage(random: Random): Uint8Array | string {
  const kind = random.next();
  if (kind < 0.8) return frameLike(random);
  if (kind < 0.86) return msgpack.pack(wildValue(random));
  if (kind < 0.92) return damaged(frameLike(random), random);
  if (kind < 0.98) return random.bytes(random.int(0, 500));
  if (kind < 0.99) return random.text(random.int(0, 100));
  return new Uint8Array(random.pick([100_000, 1_114_112, 1_114_113, 4_000_000]));
}

/** A byte changed, left out or added, or the end cut off. */
function damaged(message: Uint8Array, random: Random): Uint8Array {
  const bytes = [...message.subarray(0, 20_000)];
  const at = random.int(0, bytes.length);
  const [insert, remove] = random.pick([
    [1, 1],
    [0, 1],
    [1, 0],
    [0, bytes.length],
  ] as const);
  bytes.splice(at, remove, ...random.bytes(insert));
  return Uint8Array.from(bytes);
}

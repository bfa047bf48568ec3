/** The agent's life: open the link, warm everything a first cell needs, then serve cells for ever. */
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { installLastResult } from "./cell.mjs";
import { noteOwnGetters } from "./complete.mjs";
import { installExit } from "./exit.mjs";
import { installGlobals } from "./globals.mjs";
import { prepareIdentity } from "./identity.mjs";
import { installInterrupts } from "./interrupts.mjs";
import { GUEST, link } from "./link.mjs";
import { installRandom } from "./random.mjs";
import { startServing } from "./serve.mjs";
import { installInput } from "./stdin.mjs";
import { installOutput } from "./streams.mjs";
import { touchYoungGeneration, warmUp } from "./warm-up.mjs";

/** Of what is left in the guest when all is loaded. The rest is the kernel's, and that of files in memory. */
const MEMORY_SHARE = 0.9;

// For this process's malloc and loader; its children need neither.
delete process.env.GLIBC_TUNABLES;
delete process.env.LD_PRELOAD;
// The threads of libuv's pool are started by its first work: here, where they count as the agent's own.
await readFile("/proc/self/stat");
await promisify(randomBytes)(16);
link.open();
installOutput();
installInput();
installExit();
installInterrupts();
installRandom();
installGlobals();
installLastResult();
noteOwnGetters();
prepareIdentity();
process.argv = [process.argv[0], ""];
await warmUp();
// What the warm-up has left lies idle when the template is captured: garbage, and the work of V8's threads.
link.collectGarbage();
await new Promise((resolve) => setTimeout(resolve, 100));
link.collectGarbage();
touchYoungGeneration();
// The build's log shows it: each fork then pays for a seed.
if (!link.emptyGenerators()) writeFileSync("/dev/console", "zeroboot: OpenSSL's generators keep a seed\n");
link.fillMemory();
link.limitMemory(MEMORY_SHARE);
// RX is not read before: it would stop the guest in the midst of its warm-up.
link.send(GUEST.READY, 0, 0, `Node.js ${process.versions.node}`);
// Just before the first cell is waited for: V8 has then made all the memory that it will use first.
process.once("beforeExit", () => link.touchMemory());
startServing();

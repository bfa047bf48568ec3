/** What `npm start` runs: the same as `zeroboot serve`, with the same flags. */
import { runCli } from "./cli/program.js";

process.exit(await runCli(["serve", ...process.argv.slice(2)]));

/** Says in the file it is given what SIGHUP meant, a line each time. */
import { appendFileSync } from "node:fs";
import { onHangUp } from "../../../server/src/stop-signals.js";

const [, , file = ""] = process.argv;
const say = (word: string) => appendFileSync(file, `${word}\n`);
const keepAlive = setInterval(() => {}, 1000);
onHangUp(
  () => say("reload"),
  () => {
    say("stop");
    clearInterval(keepAlive);
  },
);
say(`ready ${process.pid}`);

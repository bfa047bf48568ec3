/** The page: one session, a box to write cells in, and what became of them. */
import type { SessionRestart } from "@zeroboot/sdk";
import type { CellHost } from "./cell-view.js";
import { Cells, type Interruptible } from "./cells.js";
import { CodeBox } from "./code-box.js";
import { Connection, type ConnectionState } from "./connection.js";
import { byId, make } from "./dom.js";
import { EXAMPLES } from "./examples.js";
import { KeyForm } from "./key-form.js";
import { StateBar } from "./state-bar.js";
import { TemplateChoice } from "./template-choice.js";
import { Transcript } from "./transcript.js";
import { formatMicroseconds } from "./units.js";

const runButton = byId("run", HTMLButtonElement);
const interruptButton = byId("interrupt", HTMLButtonElement);
const announcer = byId("announcer", HTMLElement);

const transcript = new Transcript(byId("transcript", HTMLElement));
const codeBox = new CodeBox(byId("code", HTMLTextAreaElement), run);
const host: CellHost = {
  grown: () => transcript.grown(),
  announce: (text) => {
    announcer.textContent = text;
  },
  returnFocus: () => codeBox.focus(),
};
const cells = new Cells(transcript, host, showInterruptible);
const connection = new Connection({ onState: showState, onRestart: showRestart });
const stateBar = new StateBar(() => connection.connect());
const templateChoice = new TemplateChoice((name) => {
  connection.template = name;
  connection.connect();
});
const keyForm = new KeyForm((key) => connection.connect(key));
/** Sessions this page has had. */
let sessions = 0;

byId("composer", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  run();
});
interruptButton.addEventListener("click", () => cells.interrupt());
document.addEventListener("keydown", (event) => {
  // As in a terminal; with something selected it copies, as everywhere.
  if (event.key !== "c" || !event.ctrlKey || event.shiftKey || event.altKey || somethingIsSelected()) return;
  cells.interrupt();
});
for (const [name, code] of Object.entries(EXAMPLES)) {
  const button = make("button", { type: "button", class: "quiet" }, name);
  button.addEventListener("click", () => codeBox.show(code));
  byId("examples", HTMLElement).append(button);
}
showInterruptible("nothing");
void templateChoice.load();
connection.connect();

function run(): void {
  const { session } = connection;
  const { code } = codeBox;
  if (session === undefined || code.trim() === "") return;
  cells.run(session, code);
  codeBox.clear();
}

function somethingIsSelected(): boolean {
  const active = document.activeElement;
  if (active instanceof HTMLTextAreaElement || active instanceof HTMLInputElement) {
    return active.selectionStart !== active.selectionEnd;
  }
  return document.getSelection()?.isCollapsed === false;
}

function showState(state: ConnectionState): void {
  stateBar.show(state);
  runButton.disabled = state.kind !== "ready";
  if (state.kind === "keyNeeded") keyForm.show(state.refused);
  else keyForm.hide();
  if (state.kind === "closed") {
    const lost = state.hadSession
      ? "The session has ended, and its variables, files and processes are gone"
      : "No session";
    transcript.remark(`${lost}: ${state.message} (${state.code})`);
  }
  if (state.kind === "ready") {
    sessions++;
    showTemplate(state.session.template);
    if (sessions > 1) transcript.remark("A new session: nothing of the earlier one is in it.");
    // On a touch screen it would bring up the keyboard, over half the page.
    if (sessions > 1 || matchMedia("(pointer: fine)").matches) codeBox.focus();
  }
}

function showTemplate(name: string): void {
  templateChoice.show(name);
  byId("code-label", HTMLElement).textContent = `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
  // They are written in Python.
  byId("examples", HTMLElement).hidden = !name.startsWith("python");
}

function showRestart({ forkTimeUs, reason }: SessionRestart): void {
  stateBar.showForkTime(forkTimeUs);
  transcript.remark(
    `${RESTART_REASONS[reason]}: the session goes on in a fresh one, forked in ${formatMicroseconds(forkTimeUs)}. ` +
      "Variables, files and processes are gone.",
  );
}

const RESTART_REASONS: Readonly<Record<SessionRestart["reason"], string>> = {
  interrupt: "A cell could not be interrupted, so its virtual machine was ended",
  timeout: "A cell did not stop when its time was over, so its virtual machine was ended",
  outOfMemory: "The virtual machine had no memory left and was ended",
};

function showInterruptible(state: Interruptible): void {
  // A button that is disabled while it has the focus would lose it to nowhere.
  if (state === "nothing" && document.activeElement === interruptButton) codeBox.focus();
  interruptButton.disabled = state === "nothing";
  interruptButton.textContent = state === "interrupted" ? "Stop by force" : "Interrupt";
  interruptButton.title =
    state === "interrupted" ? "Ends the cell's child processes and, if that is not enough, its virtual machine" : "";
}

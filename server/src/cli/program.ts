import { Command, CommanderError, Option } from "commander";
import { EXIT, exitCodeOf } from "./exit-codes.js";
import { reportError } from "./report-error.js";

/** What an action answers: the exit code. */
type Action = Promise<number>;

/**
 * The command line. Everything a command needs is loaded when it runs, so that each starts as
 * fast as it can.
 * @param args without the program's name
 * @returns the exit code; errors have been reported
 */
export async function runCli(args: readonly string[]): Promise<number> {
  let exitCode: number = EXIT.ok;
  const running = (action: Action): Promise<void> =>
    action.then((code) => {
      exitCode = code;
    });
  const program = new Command("zeroboot")
    .description("Sessions in copy-on-write forked KVM virtual machines.")
    .exitOverride();
  await addServe(program, running, args.includes("serve"));
  addExec(program, running);
  addRepl(program, running);
  addMcp(program, running);
  addTemplate(program, running);
  addDoctor(program, running);
  try {
    await program.parseAsync([...args], { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.failure;
    reportError(error);
    return exitCodeOf(error);
  }
}

type Running = (action: Action) => Promise<void>;

/** @param withFlags leave them out when another command runs: they take loading the configuration */
async function addServe(program: Command, running: Running, withFlags: boolean): Promise<void> {
  const command = program
    .command("serve")
    .description("serve sessions over WebSocket; makes what is missing first")
    .action((flags) =>
      running(
        Promise.all([import("../config/config.js"), import("../serve.js")]).then(([{ loadConfig }, { serve }]) =>
          serve(loadConfig(flags, process.env)),
        ),
      ),
    );
  if (!withFlags) return;
  const { configFlags } = await import("../config/help.js");
  for (const { flag, value, text } of configFlags()) command.addOption(new Option(`${flag} <${value}>`, text));
}

function addExec(program: Command, running: Running): void {
  const command = program
    .command("exec")
    .argument("[code]", "what to run; - reads it from standard input, which else is the program's")
    .description("run code in a fresh VM; ends with the program's own exit code, 124 timeout, 125 failure, 126 no KVM")
    .option("-f, --file <path>", "run this file")
    .option("-t, --timeout <seconds>", "interrupt it after so long (default: none; on a server the longest it allows)")
    .option("-p, --print", "print the value of the last expression");
  sessionOptions(command).action((code, options) =>
    running(import("./exec.js").then(({ exec }) => exec(code, options))),
  );
}

function addRepl(program: Command, running: Running): void {
  const command = program
    .command("repl")
    .description("run cells one after the other in one session, from a terminal or from a pipe")
    .addOption(new Option("--no-history", "neither keep nor recall what is typed").env("ZEROBOOT_NO_HISTORY"));
  sessionOptions(command).action((options) => running(import("./repl.js").then(({ repl }) => repl(options))));
}

function addMcp(program: Command, running: Running): void {
  program
    .command("mcp")
    .description("serve tools to agents over MCP: on standard input and output, or over HTTP")
    .option("--http <[address:]port>", "listen there, at /mcp (127.0.0.1); addresses beyond loopback need API keys")
    .option("--allow-host <names>", "of --http: names beside loopback that clients may use, separated by commas")
    .addOption(
      new Option("--api-keys-file <file>", "of --http: JSON array of the keys that are let in").env(
        "ZEROBOOT_API_KEYS_FILE",
      ),
    )
    .option("--max-sessions <number>", "sessions at one time", "8")
    .option("--language <name>", "of a session for which none is named: python, node or shell", "python")
    .option("--python <template>", "what sessions that speak Python are forked from", "python")
    .option("--url <url>", "use a server in place of this machine")
    .addOption(new Option("--api-key <key>", "for --url").env("ZEROBOOT_API_KEY"))
    .action((options) => running(import("./mcp.js").then(({ mcp }) => mcp(options))));
}

function addTemplate(program: Command, running: Running): void {
  const template = program.command("template").description("make, list, look at and remove templates");
  templateOptions(template.command("build").argument("[names...]", "which templates (python)"), false)
    .description("make templates, unless they are there")
    .option("--all", "every template that can be made")
    .option("--rebuild", "make them anew even if they are there")
    .option("--name <name>", "make a template of your own, under this name")
    .option("--from <what>", "of --name: a template, the directory or tar of a container, or a recipe (python)")
    .option("--packages <names>", "of --name: Debian packages to add, separated by commas")
    .option("--preload <code>", "of --name: run this in the template before it is frozen")
    .option("--preload-seconds <seconds>", "of --preload: time for it to end (300)")
    .action((which, options) => running(import("./template/build.js").then(({ build }) => build(which, options))));
  template
    .command("list")
    .description("list the templates that are there and those that can be made")
    .action(() => running(import("./template/list.js").then(({ list }) => list())));
  template
    .command("inspect")
    .argument("<name-or-file>")
    .description("show what a template is")
    .action((which) => running(import("./template/inspect.js").then(({ inspect }) => inspect(which))));
  template
    .command("remove")
    .argument("<name>")
    .description("remove a template's snapshots, and a template of your own altogether")
    .action((which) => running(import("./template/remove.js").then(({ remove }) => remove(which))));
}

function addDoctor(program: Command, running: Running): void {
  program
    .command("doctor")
    .description("say whether VMs can run here, and what to do where not")
    .action(() => running(import("./doctor.js").then(({ doctor }) => doctor())));
}

/** Options of everything that uses a session, here or on a server. */
function sessionOptions(command: Command): Command {
  return templateOptions(command)
    .option("--url <url>", "use a server in place of this machine")
    .addOption(new Option("--api-key <key>", "for --url").env("ZEROBOOT_API_KEY"));
}

/** Options of everything that opens a template. */
function templateOptions(command: Command, withName = true): Command {
  if (withName) {
    command.addOption(new Option("--template <name>", "what to fork").env("ZEROBOOT_TEMPLATE").default("python"));
    command.addOption(new Option("--snapshot <file>", "use this snapshot file").env("ZEROBOOT_SNAPSHOT"));
  }
  return command
    .addOption(new Option("--memory-mb <MiB>", "memory of the VM, 64-3072").env("ZEROBOOT_MEMORY_MB"))
    .addOption(new Option("--kernel <file>", "boot this vmlinux or bzImage").env("ZEROBOOT_KERNEL"));
}

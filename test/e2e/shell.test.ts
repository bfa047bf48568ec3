import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { roomy } from "../helpers/machine.js";
import { poll } from "../helpers/poll.js";
import { zeroboot } from "../helpers/program.js";
import { RawClient } from "../helpers/raw-client.js";
import { ServerProcess } from "../helpers/server-process.js";

const PROMPTLY_MS = roomy(5_000);

let server: ServerProcess;
beforeAll(async () => {
  server = await ServerProcess.ready(["--template", "shell"]);
});
afterAll(async () => {
  expect(await server.stop()).toEqual({ exitCode: 0, signal: null });
});

describe("one shell for a session", () => {
  it("keeps its directory, variables, functions, aliases and $?", async () => {
    using client = await RawClient.ready(server.url);
    expect(client.frames[0]).toMatchObject({ type: "ready", template: "shell" });
    await client.run(
      "mkdir -p /tmp/a && cd /tmp/a\nx=41; list=(1 2 3)\ngreet() { echo \"hello $1\"; }\nalias hi='echo hi'",
    );
    const cell = await client.run("pwd; echo $((x + 1)) $list; greet you; hi");
    expect(cell.stdout).toBe("/tmp/a\n42 1\nhello you\nhi\n");
    expect(cell.done).toMatchObject({ status: "ok", exitCode: 0, executionCount: 2 });
    await client.run("(exit 5)");
    expect((await client.run("echo $?")).stdout).toBe("5\n");
  });

  it("ends cells with the code of the last command, and goes on", async () => {
    using client = await RawClient.ready(server.url);
    const codeOf = async (code: string) => (await client.run(code)).done.exitCode;
    await client.run("kept=1");
    expect(await codeOf("for i in 1 2 3; do echo $i; done; exit 7")).toBe(7);
    expect(await codeOf("false")).toBe(1);
    expect(await codeOf("nosuchcommand")).toBe(127);
    expect(await codeOf("/etc/passwd")).toBe(126);
    expect(await codeOf("true | false")).toBe(1);
    expect(await codeOf("return 3")).toBe(3);
    expect(await codeOf("sh -c 'kill -9 $$'")).toBe(137);
    expect((await client.run("echo $kept")).stdout).toBe("1\n");
  });

  it("says what is wrong, with cell and line, on standard error", async () => {
    using client = await RawClient.ready(server.url);
    const unknown = await client.run("echo out\nnosuchcommand\necho on >&2");
    expect(unknown.stdout).toBe("out\n");
    expect(unknown.stderr).toBe("<cell 1>: line 2: nosuchcommand: command not found\non\n");
    const broken = await client.run("if then");
    expect(broken.stderr).toContain("<cell 2>: line 1: syntax error near unexpected token `then'");
    expect(broken.done).toMatchObject({ status: "error", exitCode: 2 });
  });

  it("has its tools", async () => {
    using client = await RawClient.ready(server.url);
    const code = `set -e
mkdir -p /tmp/t && cd /tmp/t
printf '%s\\n' b a c > words
sort words | grep -v c | sed s/a/A/ | awk '{ printf "%s%s", $1, NR } END { print "" }'
find . -name 'w*' -type f
tar czf words.tgz words && gzip -t words.tgz && tar tzf words.tgz
echo '{"n": [1, 2]}' | jq -c '.n | map(. * 2)'
python3 -c 'import json, sys; print(json.dumps([1, 2]), sys.version_info[:2])'
git init -q . && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m first && git log --format=%s
cat <<end | tr a-z A-Z
several
lines
end`;
    const { stdout, stderr, done } = await client.run(code, { timeoutMs: 600_000 });
    expect({ stdout, stderr, status: done.status }).toEqual({
      stdout: "A1b2\n./words\nwords\n[2,4]\n[1, 2] (3, 11)\nfirst\nSEVERAL\nLINES\n",
      stderr: "",
      status: "ok",
    });
    await client.run("set +e");
  });
});

describe("standard input of a shell", () => {
  it("goes to read and to programs, up to its end", async () => {
    using client = await RawClient.ready(server.url);
    const id = client.execute('read -p "name? " name; echo "hello $name"; cat | tr a-z A-Z', { stdin: "open" });
    expect(await client.frame((frame) => frame.type === "inputRequest")).toMatchObject({ id, prompt: "name? " });
    client.send({ type: "stdin", id, data: Buffer.from("you\nthe rest\n"), eof: true });
    await client.done(id);
    const text = client.frames.filter((frame) => frame.type === "stdout").map((frame) => String(frame.data));
    expect(text.join("")).toBe("hello you\nTHE REST\n");
  });

  it("is at its end where it is closed", async () => {
    using client = await RawClient.ready(server.url);
    expect((await client.run("cat; read x; echo $?", { stdin: "closed" })).stdout).toBe("1\n");
  });
});

describe("a shell that is busy", () => {
  it("is interrupted, by itself, in a program or in a pipe, and keeps its state", async () => {
    using client = await RawClient.ready(server.url);
    await client.run("kept=1");
    for (const code of [
      "while :; do :; done",
      "sleep 1000",
      "sleep 1000 | cat",
      "trap 'echo trapped' INT; sleep 1000",
    ]) {
      const id = client.execute(code);
      await client.frame((frame) => frame.type === "started" && frame.id === id);
      const start = performance.now();
      client.send({ type: "interrupt", id });
      const done = await client.done(id);
      console.log(`${code}: interrupted after ${Math.round(performance.now() - start)} ms, ${done.exitCode}`);
      expect(performance.now() - start).toBeLessThan(PROMPTLY_MS);
      expect((await client.run("echo $kept")).stdout).toBe("1\n");
    }
    await client.run("trap - INT");
  });

  it("runs out of time, and what it wrote is kept", async () => {
    using client = await RawClient.ready(server.url);
    const { stdout, done } = await client.run("echo before; sleep 1000", { timeoutMs: 1000 });
    expect(stdout).toBe("before\n");
    expect(done).toMatchObject({ status: "timeout", exitCode: 124 });
    expect((await client.run("echo after")).stdout).toBe("after\n");
  });

  it("has jobs that go on between cells", async () => {
    using client = await RawClient.ready(server.url);
    await client.run("(sleep 1; echo done > /tmp/job) & job=$!");
    await poll("the job's file", PROMPTLY_MS, async () =>
      (await client.run("cat /tmp/job 2>/dev/null")).stdout === "done\n" ? true : undefined,
    );
    expect((await client.run("wait $job; echo $?")).stdout).toBe("0\n");
    await client.run("sleep 1000 & other=$!");
    expect((await client.run("kill $other; wait $other; echo $?")).stdout).toBe("143\n");
  });
});

describe("code that means a shell no good", () => {
  const survived: readonly (readonly [string, string, string])[] = [
    ["exec of a program", "exec echo replaced", "replaced\n"],
    ["an exit in a subshell", "(exit 3); echo $?", "3\n"],
    ["set -e", "set -e; false; echo never", ""],
    ["set -u", "set -u; echo $never", ""],
    ["set -n", "set -n; echo", ""],
    ["no PATH", "unset PATH; ls; PATH=/usr/bin:/bin", ""],
    ["closed streams", "exec 1>&- 2>&-; echo never", ""],
    ["streams to a file", "exec > /tmp/out; echo to the file", ""],
    ["builtins of its own", "echo() { :; }; read() { :; }; exit() { :; }; printf hi", "hi"],
    ["signals ignored", "trap '' INT TERM HUP; echo deaf", "deaf\n"],
    ["its own end by a signal that can be handled", "kill -TERM $$; kill -HUP $$; echo here", "here\n"],
    ["readonly", "readonly PWD OLDPWD HOME; cd /; echo ro", "ro\n"],
    ["builtins that are off", "enable -n echo; enable -d zeroboot 2>/dev/null; printf off", "off"],
  ];
  it.each(survived)("%s leaves a session that works", async (_, code, stdout) => {
    using client = await RawClient.ready(server.url);
    expect((await client.run(code, { timeoutMs: PROMPTLY_MS })).stdout).toBe(stdout);
    const next = await client.run("set +eu; unset -f echo read exit; builtin printf '%s\\n' on", {
      timeoutMs: PROMPTLY_MS,
    });
    expect(next.done.status).not.toBe("timeout");
    expect(code.startsWith("exec 1>&-") || code.startsWith("exec >") ? "on\n" : next.stdout).toBe("on\n");
  });

  it("ends its VM by SIGKILL, and that is said", async () => {
    using client = await RawClient.ready(server.url);
    client.execute("kill -9 $$");
    await client.frame((frame) => frame.code === "agent_exited" || frame.reason === "agent_exited");
  });
});

describe("every session's shell", () => {
  it("has numbers and names of its own", async () => {
    const seen = new Set<string>();
    const code = "echo $RANDOM $RANDOM; cat /etc/machine-id; head -c 8 /dev/urandom | xxd -p";
    for (let i = 0; i < 4; i++) {
      using client = await RawClient.ready(server.url);
      const lines = (await client.run(code)).stdout.split("\n").slice(0, 3);
      expect(lines.length).toBe(3);
      for (const line of lines) seen.add(line);
    }
    expect(seen.size).toBe(12);
  });

  it("completes, tells what a name is, and knows when a line is not whole", async () => {
    using client = await RawClient.ready(server.url);
    await client.run("variable_of_mine=1; function_of_mine() { :; }; mkdir -p '/tmp/dir with'");
    const ask = async (frame: Record<string, unknown>) => {
      client.send({ id: "q", ...frame });
      return await client.frame(
        (answer) => ["completed", "checked", "inspected"].includes(answer.type) && answer.id === "q",
      );
    };
    expect(await ask({ type: "complete", code: "echo $variable_of", cursor: 17 })).toMatchObject({
      matches: ["$variable_of_mine"],
      start: 5,
      end: 17,
    });
    client.frames.length = 0;
    expect(await ask({ type: "complete", code: "function_of", cursor: 11 })).toMatchObject({
      matches: ["function_of_mine"],
    });
    for (const [code, told] of [
      ["echo $variable_of_mine", /^variable: 1$/],
      ["function_of_mine", /^function: function_of_mine \(\)/],
      ["cd", /^builtin: cd /],
      ["for", /^keyword$/],
      ["grep", /^file: \/usr\/bin\/grep$/],
    ] as const) {
      client.frames.length = 0;
      const { found, bundle } = await ask({ type: "inspect", code, cursor: code.length });
      expect([found, (bundle as Record<string, unknown>)["text/plain"]]).toEqual([true, expect.stringMatching(told)]);
    }
    client.frames.length = 0;
    expect(await ask({ type: "inspect", code: "nosuchname", cursor: 3 })).toMatchObject({ found: false });
    client.frames.length = 0;
    expect(await ask({ type: "check", code: "for i in 1 2; do" })).toMatchObject({ status: "incomplete" });
    client.frames.length = 0;
    expect(await ask({ type: "check", code: "echo hello" })).toMatchObject({ status: "complete" });
    client.frames.length = 0;
    expect(await ask({ type: "check", code: "if then" })).toMatchObject({ status: "invalid" });
  });
});

it("is had from the command line", async () => {
  const ran = await zeroboot(["exec", "--template", "shell", "for i in 1 2 3; do echo $i; done; exit 7"]);
  expect(ran).toMatchObject({ exitCode: 7, stdout: "1\n2\n3\n" });
});

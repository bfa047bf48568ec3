import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launchChromium } from "../helpers/chromium.js";
import { EmulatedServer, wantsEmulatedServer } from "../helpers/emulated-server.js";
import { ServerProcess } from "../helpers/server-process.js";

/** For anything to be seen on the page, where a processor is emulated in software. */
const SEEN_WITHIN_MS = 240_000;
const KEY = "zb_of_the_page";
const TIME = /^\d+(\.\d+)?\u00a0(µs|ms|s)$/;

/** The tests follow each other on one page, as its reader would: a browser takes long to start. */
describe("the page at /", { timeout: 600_000 }, () => {
  const directory = mkdtempSync(join(tmpdir(), "zeroboot-page-"));
  /** Everything the browser complains about. */
  const complaints: string[] = [];
  let server: ServerProcess | EmulatedServer;
  let browser: Browser;
  let page: Page;
  let cells = 0;

  const seen = (text: string | RegExp): Promise<void> => page.getByText(text).first().waitFor();
  const text = async (selector: string): Promise<string> => (await page.locator(selector).textContent()) ?? "";
  const labels = (cell: Locator): Promise<string[]> => cell.locator(".row .label").allTextContents();

  /** Write a cell and run it. */
  async function start(code: string): Promise<Locator> {
    await page.getByLabel("Python").fill(code);
    await page.keyboard.press("Control+Enter");
    return page.getByRole("article", { name: `Cell ${++cells}`, exact: true });
  }

  /** @returns how it ended, in the page's words */
  async function outcome(cell: Locator): Promise<string> {
    await cell.locator(".times:not(:empty)").waitFor();
    return (await cell.locator(".outcome").textContent()) ?? "";
  }

  async function run(code: string): Promise<{ readonly cell: Locator; readonly outcome: string }> {
    const cell = await start(code);
    return { cell, outcome: await outcome(cell) };
  }

  beforeAll(async () => {
    const keys = join(directory, "keys.json");
    writeFileSync(keys, JSON.stringify([KEY]), { mode: 0o600 });
    const kind = wantsEmulatedServer() ? EmulatedServer : ServerProcess;
    server = await kind.ready(["--api-keys-file", keys]);
    browser = await launchChromium();
    page = await browser.newPage();
    page.setDefaultTimeout(SEEN_WITHIN_MS);
    page.setDefaultNavigationTimeout(SEEN_WITHIN_MS);
    page.on("console", (message) => {
      if (message.type() !== "log") complaints.push(`${message.type()}: ${message.text()}`);
    });
    page.on("pageerror", (error) => complaints.push(error.stack ?? error.message));
    await page.addInitScript({
      content: `document.addEventListener("securitypolicyviolation", (event) => {
        console.error("forbidden by the page's policy: " + event.violatedDirective + " " + event.blockedURI);
      });`,
    });
  });
  afterAll(async () => {
    await browser?.close();
    await server?.[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  });

  it("is named where the server says that it listens", () => {
    expect(server.stdout).toMatch(/^ {2}page {5}http:\/\/127\.0\.0\.1:\d+\/$/m);
  });

  it("asks for a key where one is needed, and keeps none", async () => {
    await page.goto(server.url);
    await page.getByLabel("API key").fill("another");
    await page.keyboard.press("Enter");
    await seen("The server does not know that key");
    await page.getByLabel("API key").fill(KEY);
    await page.keyboard.press("Enter");
    await page.locator("#state[data-state=ready]").waitFor();
    expect(await page.evaluate("localStorage.length + sessionStorage.length + document.cookie.length")).toBe(0);
  });

  it("shows that it is connected, and what fork and connecting took", async () => {
    expect(await text("#state")).toBe("connected");
    expect(await text("#fork-time")).toMatch(TIME);
    expect(await text("#connect-time")).toMatch(TIME);
  });

  it("runs cells that share their variables, and says what each took", async () => {
    expect((await run("x = 20")).outcome).toBe("ok");
    const { cell, outcome: ending } = await run("x + 1");
    expect(ending).toBe("ok");
    expect(await cell.locator(".value pre").textContent()).toBe("21");
    const times = (await cell.locator(".times").textContent())?.split(" · ") ?? [];
    expect(times.slice(-2)).toEqual([expect.stringMatching(/^cell \d/), expect.stringMatching(/^round trip \d/)]);
  });

  it("shows pictures as pictures, and what has none as text", async () => {
    const { cell } = await run(`import base64
png = base64.b64decode('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==')
class Picture:
    def __repr__(self): return 'a picture'
    def _repr_png_(self): return png
class Drawing:
    def __repr__(self): return 'a drawing'
    def _repr_svg_(self): return '<svg xmlns="http://www.w3.org/2000/svg" width="3" height="2"><script>alert(1)</script></svg>'
display('text', Picture(), Drawing())
Picture()`);
    const widths = cell.locator("img").evaluateAll(async (images) => {
      const shown = images as unknown as readonly { decode(): Promise<void>; naturalWidth: number; alt: string }[];
      for (const image of shown) await image.decode();
      return shown.map(({ naturalWidth, alt }) => [naturalWidth, alt]);
    });
    expect(await widths).toEqual([
      [1, "a picture"],
      [3, "a drawing"],
      [1, "a picture"],
    ]);
    expect(await labels(cell)).toEqual([`[${cells}]`, "out", "shown", "shown", "value"]);
    expect(await cell.locator(".stdout pre").textContent()).toBe("'text'\n");
  });

  it("tells standard output and standard error apart by a word", async () => {
    const { cell } = await run(
      "import sys\nprint('one', flush=True)\nprint('two', file=sys.stderr, flush=True)\nprint('three')",
    );
    expect(await labels(cell)).toEqual([`[${cells}]`, "out", "err", "out"]);
    expect(await cell.locator(".output pre").allTextContents()).toEqual(["one\n", "two\n", "three\n"]);
  });

  it("shows a traceback", async () => {
    const { cell, outcome: ending } = await run("[1, 2][5]");
    expect(ending).toBe("IndexError");
    expect(await labels(cell)).toEqual([`[${cells}]`, "error"]);
    expect(await cell.locator(".error pre").textContent()).toMatch(/^Traceback[\s\S]*list index out of range/);
  });

  it("asks for what a cell reads", async () => {
    const cell = await start("name = input('Your name: ')\nprint(name[::-1])");
    await page.getByLabel("Your name:").fill("Ada");
    await page.keyboard.press("Enter");
    expect(await outcome(cell)).toBe("ok");
    expect(await cell.locator(".output pre").allTextContents()).toEqual(["Your name: Ada\n", "adA\n"]);
  });

  it("hides a password while it is typed and afterwards", async () => {
    const cell = await start("import getpass\nlen(getpass.getpass())");
    const field = page.getByLabel("Password:");
    expect(await field.getAttribute("type")).toBe("password");
    await field.fill("correct horse");
    await page.keyboard.press("Enter");
    expect(await outcome(cell)).toBe("ok");
    expect(await cell.locator(".value pre").textContent()).toBe("13");
    expect(await text("body")).not.toContain("correct horse");
  });

  it("interrupts a cell and keeps the session's state", async () => {
    const cell = await start("print('round and round', flush=True)\nwhile True: pass");
    await seen("round and round");
    await page.getByRole("button", { name: "Interrupt" }).click();
    expect(await outcome(cell)).toBe("interrupted");
    expect(await cell.locator(".error pre").textContent()).toContain("KeyboardInterrupt");
    const { cell: next } = await run("x");
    expect(await next.locator(".value pre").textContent()).toBe("20");
  });

  it("shows the beginning and the end of much output, and says what it leaves out", async () => {
    const { cell, outcome: ending } = await run("for i in range(10_000): print(f'line {i:94d}')");
    expect(ending).toBe("ok");
    const [head = "", tail = ""] = await cell.locator(".output pre").allTextContents();
    expect(head.startsWith(`line ${"0".padStart(94)}\n`)).toBe(true);
    expect(tail.endsWith(`line ${"9999".padStart(94)}\n`)).toBe(true);
    expect(head.length + tail.length).toBeLessThan(128 * 1024);
    const leftOut = Number(
      (await cell.locator(".output .gap").textContent())?.match(/^[\d,]+/)?.[0].replaceAll(",", ""),
    );
    expect(leftOut + head.length + tail.length).toBe(1_000_000);
  });

  it("says that a new session has nothing of the one before", async () => {
    await page.getByRole("button", { name: "New session" }).click();
    await seen("A new session: nothing of the earlier one is in it.");
    expect((await run("x")).outcome).toBe("NameError");
  });

  it("says that a session has ended, and connects again when it is told to", async () => {
    await start("import os\nos._exit(1)");
    await seen("not connected");
    await seen("agent_exited");
    await page.getByRole("button", { name: "Reconnect" }).click();
    await page.locator("#state[data-state=ready]").waitFor();
    expect((await run("6 * 7")).outcome).toBe("ok");
  });

  it("needed nothing that its policy forbids", async () => {
    expect(complaints).toEqual([]);
    // What would have been seen:
    await page.evaluate("document.body.append(Object.assign(document.createElement('script'), { text: 'x = 1' }))");
    await expect.poll(() => complaints.join("\n"), { timeout: SEEN_WITHIN_MS }).toContain("script-src-elem inline");
  });
});

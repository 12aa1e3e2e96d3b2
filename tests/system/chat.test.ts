// @module-tag needs-chromium
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { Client } from "leveros";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launchBrowser } from "../harness/browser.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { spawnLever } from "../harness/run-lever.ts";

const root = join(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "lever-chat-"));

let lever: RunningLever;
let browser: Browser;
let origin: string;
let terminal: ChildProcessWithoutNullStreams;
let terminalLines: Interface;

beforeAll(async () => {
  lever = await startLever();
  const { status, stderr } = await lever.lever(["deploy", join(root, "examples/chat")]);
  expect(status, stderr).toBe(0);
  const { port } = new URL(lever.origin);
  origin = `http://chat.dev.lever.localhost:${port}`;
  browser = await launchBrowser();
  terminal = spawnLever(["-H", lever.address, "stream", "/chat/lobby/joinChan", '"Terry"']);
  terminalLines = createInterface({ input: terminal.stdout });
}, 60_000);

afterAll(async () => {
  terminal?.kill();
  await browser?.close();
  await lever?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function enter(room: string, name: string): Promise<Page> {
  const page = await browser.newPage();
  const query = new URLSearchParams({ room, name });
  await page.goto(`${origin}/?${query}`);
  await page.getByText(`you are ${name}`).waitFor();
  return page;
}

const say = async (page: Page, text: string): Promise<void> => {
  await page.getByLabel("Your message").fill(text);
  await page.getByRole("button", { name: "Send" }).click();
};

/** Waits until the terminal prints this message. */
async function terminalPrints(expected: object): Promise<void> {
  for (;;) {
    const [line] = (await once(terminalLines, "line")) as [string];
    const { from, text } = JSON.parse(line) as { from?: string; text: string };
    if (JSON.stringify({ from, text }) === JSON.stringify(expected)) return;
  }
}

describe("two pages and a terminal in one room, and a page in another", () => {
  let ada: Page;
  let bob: Page;
  let eve: Page;

  beforeAll(async () => {
    ada = await enter("lobby", "Ada");
    bob = await enter("lobby", "Bob");
    eve = await enter("cellar", "Eve");
  }, 60_000);

  const members = (): Promise<unknown> =>
    new Client({ forceHost: lever.address })
      .resource("dev.lever", "chat", "lobby")
      .invoke("members");

  it("a message of a page reaches the terminal and the other page of its room", async () => {
    const printed = terminalPrints({ from: "Ada", text: "<b>hello</b> everyone" });
    await say(ada, "<b>hello</b> everyone");
    await printed;
    await bob.getByText("<b>hello</b> everyone").waitFor();
  });

  it("a message of the terminal reaches every page of its room", async () => {
    terminal.stdin.write('"hello from the shell"\n');
    await ada.getByText("hello from the shell").waitFor();
    await bob.getByText("hello from the shell").waitFor();
  });

  it("a message stays in its room", async () => {
    await say(eve, "anybody here?");
    await eve.getByText("anybody here?").waitFor();
    expect(await eve.getByRole("listitem").allTextContents()).toEqual([
      "Eve has joined",
      "Eveanybody here?",
    ]);
    expect(await ada.getByText("anybody here?").count()).toBe(0);
  });

  it("the page of the chat can be drawn", async () => {
    const path = join(folder, "chat.png");
    const picture = await bob.screenshot({ path });
    expect(picture.subarray(1, 4).toString()).toBe("PNG");
    expect(picture.length).toBeGreaterThan(5_000);
  });

  it("a room has its members", async () => {
    expect(await members()).toEqual(["Ada", "Bob", "Terry"]);
  });

  it("a page that closes leaves its room", async () => {
    await ada.close();
    await bob.getByText("Ada has left").waitFor();
  });

  it("a terminal whose input ends leaves its room", async () => {
    terminal.stdin.end();
    await once(terminal, "exit");
    await bob.getByText("Terry has left").waitFor();
    expect(await members()).toEqual(["Bob"]);
  });

  it("a page that enters later gets the earlier messages", async () => {
    const late = await enter("lobby", "Late");
    await late.getByText("hello from the shell").waitFor();
  });
});

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Client, type RemoteService } from "leveros";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { adminOf } from "../harness/admin.ts";
import { launchBrowser } from "../harness/browser.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { cleanEnvironment, leverBin } from "../harness/run-lever.ts";
import { outputPattern, readCommands, typeCommand } from "./readme-commands.ts";

type Notes = typeof import("../../examples/notes/api/server.ts");

const repository = join(import.meta.dirname, "../..");
/** A copy of the examples in a folder like a fresh checkout, so that this one stays clean. */
let checkout: string;
/** For all tests but those of restarts. */
let lever: RunningLever;
/** Further data folders. */
const dataDirs: string[] = [];

beforeAll(async () => {
  checkout = await mkdtemp(join(tmpdir(), "lever-examples-"));
  const isOurs = (path: string): boolean => !path.endsWith("node_modules");
  await cp(join(repository, "examples"), join(checkout, "examples"), {
    recursive: true,
    filter: isOurs,
  });
  await cp(join(repository, "README.md"), join(checkout, "README.md"));
  await symlink(join(repository, "node_modules"), join(checkout, "node_modules"));
  lever = await startLever();
});

afterAll(async () => {
  await lever?.stop();
  for (const folder of [checkout, ...dataDirs]) await rm(folder, { recursive: true, force: true });
});

async function makeDataDir(): Promise<string> {
  const dataDir = await mkdtemp(join(tmpdir(), "lever-data-"));
  dataDirs.push(dataDir);
  return dataDir;
}

interface Place {
  readonly host: RunningLever;
  readonly environment: string;
}

async function deploy({ host, environment }: Place, ...examples: string[]): Promise<void> {
  for (const example of examples) {
    const args = ["-E", environment, "deploy", `examples/${example}`];
    const outcome = await host.lever(args, { cwd: checkout });
    expect(outcome, outcome.stderr).toMatchObject({ status: 0 });
  }
}

/** Types the commands of the example's README, and compares what they print. */
async function followReadme(example: string): Promise<void> {
  const readme = await readFile(join(repository, "examples", example, "README.md"), "utf8");
  const commands = readCommands(readme);
  expect(commands.length).toBeGreaterThan(2);
  for (const { command, output } of commands) {
    const printed = await typeCommand(command, { cwd: checkout, address: lever.address });
    if (output !== undefined) expect(printed, command).toMatch(outputPattern(output));
  }
}

/** Runs the counter's code, and prints what it flushes and renames. */
const FLUSHES = `
  const fs = require("node:fs");
  const path = require("node:path");
  const { fsyncSync, renameSync } = fs;
  const nameOf = (fd) => path.basename(fs.readlinkSync("/proc/self/fd/" + fd));
  fs.fsyncSync = (fd) => { console.log("flush", nameOf(fd)); fsyncSync(fd); };
  fs.renameSync = (from, to) => { console.log("rename", path.basename(to)); renameSync(from, to); };
  const counter = require("./examples/counter/server.js");
  counter.newResource("apples");
  console.log("answer", counter.add("apples"));`;

it("a counter answers after its file and its folder are on the disk", async () => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ["-e", FLUSHES], {
    cwd: checkout,
    env: { ...process.env, LEVEROS_DATA_DIR: await makeDataDir() },
  });
  expect(stdout, stderr).toBe(
    "flush apples.json.new\nrename apples.json\nflush counters\nanswer 1\n",
  );
});

it.each(["counter", "greeter", "hello", "hello-ts", "markdown", "notes", "webhook"])(
  "the example %s does what its README says, command by command",
  { tags: ["needs-curl", "needs-openssl"], timeout: 120_000 },
  (example) => followReadme(example),
);

describe("in a browser", { tags: ["needs-curl", "needs-chromium"] }, () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchBrowser();
  });

  afterAll(() => browser?.close());

  /** Opens a page of the example, in a session of its own. */
  const open = async (example: string, path = "/"): Promise<Page> => {
    const page = await browser.newPage();
    const { port } = new URL(lever.origin);
    await page.goto(`http://${example}.dev.lever.localhost:${port}${path}`);
    return page;
  };

  it("the example rooms does what its README says, and pages in a room show each other's lines", async () => {
    await followReadme("rooms");
    const enter = (room: string): Promise<Page> => open("rooms", `/?room=${room}`);
    const say = async (page: Page, line: string): Promise<void> => {
      await page.getByLabel("Your line").fill(line);
      await page.getByRole("button", { name: "Say" }).click();
      await page.getByText(line).waitFor();
    };
    const [ada, grace, other] = await Promise.all([enter("lobby"), enter("lobby"), enter("attic")]);
    await say(ada, "hello from Ada");
    await grace.getByText("hello from Ada").waitFor();
    await say(other, "hello from the attic");
    await say(grace, "hello from Grace");
    await ada.getByText("hello from Grace").waitFor();
    expect(await ada.getByRole("listitem").allTextContents()).not.toContain("hello from the attic");
  });

  it("the example members does what its README says, and its pages show who is signed in", async () => {
    await followReadme("members");
    const page = await open("members");
    const signIn = async (password: string): Promise<void> => {
      await page.getByLabel("Your name").fill("Ada <b>");
      await page.getByLabel("Password").fill(password);
      await page.getByRole("button", { name: "Sign in" }).click();
    };
    await signIn("guess");
    await page.getByText("The password is wrong.").waitFor();
    await signIn("open sesame");
    await page.getByRole("heading", { name: "Welcome, Ada <b>" }).waitFor();
    await page.reload();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    const stranger = await open("members");
    expect(new URL(stranger.url()).pathname).toBe("/sign-in");
  });

  it("the example poll does what its README says, and counts one vote for each visitor", {
    tags: ["needs-flask"],
  }, async () => {
    await followReadme("poll");
    const page = await open("poll");
    await page.getByRole("button", { name: "coffee: 0" }).click();
    await page.getByText("Your vote: coffee").waitFor();
    await page.getByRole("button", { name: "tea: 1" }).click();
    await page.getByText("Your vote: tea").waitFor();
    expect(await page.getByRole("button").allTextContents()).toEqual([
      "tea: 2",
      "coffee: 0",
      "water: 0",
    ]);
  });
});

it("the example cluster kills and drains hosts, and calls go on", {
  tags: ["needs-postgres"],
  timeout: 120_000,
}, async () => {
  const { stdout } = await promisify(execFile)("bash", ["examples/cluster/demo.sh"], {
    cwd: checkout,
    env: cleanEnvironment(),
  });
  const owners = [...stdout.matchAll(/"instance": ?"(.+?)",\s*"epoch": ?(\d+)/g)];
  const [before, after] = [owners.slice(0, 3), owners.slice(3)].map(
    (of) => new Set(of.map(([, instance, epoch]) => `${instance} ${epoch}`)),
  );
  expect([owners.length, before?.size, after?.size], stdout).toEqual([6, 1, 1]);
  expect(after).not.toEqual(before);
  expect(stdout).toContain("b is drained");
  expect(stdout.match(/Hello, Ada, from /g)).toHaveLength(6);
});

it("the commands that a deploy suggests succeed when they are pasted", {
  timeout: 90_000,
}, async () => {
  // It is private: no caller outside may call it.
  const storage = await lever.lever(["deploy", "examples/notes/storage"], { cwd: checkout });
  expect(storage.stdout).toMatch(/\nNext:\n {2}lever ls notesStorage\n$/);
  const shell = `set -e; lever() { '${process.execPath}' '${leverBin}' "$@"; }`;
  for (const example of ["hello", "hello-ts", "counter"]) {
    const { stdout } = await lever.lever(["deploy", `examples/${example}`], { cwd: checkout });
    const [, next = ""] = stdout.split("\nNext:\n");
    expect(next).toMatch(/^ {2}lever invoke \/.*\n {2}lever ls /);
    await typeCommand(`${shell}\n${next}`, { cwd: checkout, address: lever.address });
  }
});

describe("hello, hello-ts and markdown", { timeout: 60_000 }, () => {
  beforeAll(async () => {
    // Its README installs it, too.
    if (!existsSync(join(checkout, "examples/markdown/node_modules"))) {
      const place = { cwd: checkout, address: "" };
      await typeCommand("npm ci --prefix examples/markdown", place);
    }
    await deploy({ host: lever, environment: "dev.lever" }, "hello", "hello-ts", "markdown");
  }, 60_000);

  it("the example hello says what it needs when the name is no string", async () => {
    const outcome = await lever.lever(["invoke", "/helloService/sayHello", "7"]);
    expect(outcome).toMatchObject({ status: 1, stdout: "" });
    expect(outcome.stderr).toContain("Cannot say hello: the name is not a string.");
  });

  it("the example hello-ts checks the arguments of callers without types", async () => {
    const client = new Client({ forceHost: lever.address });
    const call = client
      .service("dev.lever", "helloTs")
      .invoke("greet", { name: "Ada", language: "xx" });
    await expect(call).rejects.toMatchObject({
      code: "method_failed",
      value: 'Cannot greet in "xx".',
    });
  });

  it("the example markdown renders this README with all its headings", async () => {
    const readme = await readFile(join(repository, "README.md"));
    const outcome = await lever.lever(["invoke", "/markdown/render", "--"], { input: readme });
    expect(outcome.status, outcome.stderr).toBe(0);
    const html = outcome.stdoutBytes.toString();
    expect(html).toContain("<h1>Lever</h1>");
    const headings = [...readme.toString().matchAll(/^## ([\w ]+)$/gm)];
    expect(headings.length).toBeGreaterThan(1);
    for (const [, heading] of headings) expect(html).toContain(`<h2>${heading}</h2>`);
  });

  it("the example markdown returns a string for a string", async () => {
    const markdown = new Client({ forceHost: lever.address }).service("dev.lever", "markdown");
    expect(await markdown.invoke("render", "# Hi")).toBe("<h1>Hi</h1>\n");
  });

  it("the example markdown refuses anything but strings and bytes", async () => {
    const markdown = new Client({ forceHost: lever.address }).service("dev.lever", "markdown");
    await expect(markdown.invoke("render", 7)).rejects.toMatchObject({
      code: "method_failed",
      value: expect.stringContaining("Cannot render"),
    });
  });
});

describe("notes", { timeout: 60_000 }, () => {
  const notesOf = ({ host, environment }: Place): RemoteService<Notes> =>
    new Client({ forceHost: host.address }).service<Notes>(environment, "notes");

  /** The notes of a new environment. */
  async function startNotes(environment: string): Promise<RemoteService<Notes>> {
    await adminOf(lever).invoke("createEnvironment", environment);
    await deploy({ host: lever, environment }, "notes/storage", "notes/api");
    return notesOf({ host: lever, environment });
  }

  describe("with two notes", () => {
    let notes: RemoteService<Notes>;
    let ids: number[];
    const find = async (words: string): Promise<number[]> =>
      (await notes.invoke("search", words)).map(({ id }) => id);

    beforeAll(async () => {
      notes = await startNotes("two.lever");
      ids = [
        await notes.invoke("add", "Zwölf Boxkämpfer jagen Viktor"),
        await notes.invoke("add", 'Say "hello" AND (NOT) goodbye*'),
      ];
    }, 60_000);

    it("notes numbers its notes", () => {
      expect(ids).toEqual([1, 2]);
    });

    it.each([
      ["zwolf vik", [1]],
      ['"hello" AND (NOT', [2]],
      ["zwolf hello", []],
      ["***", []],
    ])("a search for %s finds notes %j", async (words, found) => {
      expect(await find(words)).toEqual(found);
    });

    it("notes lists its notes, the newest first", async () => {
      expect((await notes.invoke("list")).map(({ id }) => id)).toEqual([2, 1]);
    });

    describe("of which one is removed", () => {
      let removals: boolean[];

      beforeAll(async () => {
        removals = [await notes.invoke("remove", 2), await notes.invoke("remove", 2)];
      });

      it("a note can be removed once", () => {
        expect(removals).toEqual([true, false]);
      });

      it("a removed note is not found", async () => {
        expect(await find("hello")).toEqual([]);
        await expect(notes.invoke("get", 2)).rejects.toMatchObject({
          code: "method_failed",
          value: "There is no note 2.",
        });
      });

      it("a note stays when another one is removed", async () => {
        expect(await notes.invoke("get", 1)).toMatchObject({
          text: "Zwölf Boxkämpfer jagen Viktor",
        });
      });
    });
  });

  describe("without notes", () => {
    let notes: RemoteService<Notes>;

    beforeAll(async () => {
      notes = await startNotes("none.lever");
    }, 60_000);

    it.each([
      ["add a number", "add", 7, "no text"],
      ["add a blank text", "add", " ", "no text"],
      ["add 10,001 characters", "add", "x".repeat(10_001), "10001 characters"],
      ["get note 0", "get", 0, "Cannot look for note 0"],
      ["get a note by a string", "get", "1", 'Cannot look for note "1"'],
      ["remove note 1.5", "remove", 1.5, "Cannot look for note 1.5"],
      ["search for null", "search", null, "not a string"],
    ])("notes refuses to %s", async (_name, method, argument, words) => {
      const untyped = new Client({ forceHost: lever.address }).service("none.lever", "notes");
      await expect(untyped.invoke(method, argument)).rejects.toMatchObject({
        code: "method_failed",
        value: expect.stringContaining(words),
      });
      expect(await notes.invoke("list")).toEqual([]);
    });

    it("the private storage of notes cannot be called from outside", async () => {
      const url = `http://${lever.address}/notesStorage/newest?forceenv=none.lever`;
      const headers = { "content-type": "application/json" };
      const answer = await fetch(url, { method: "POST", headers, body: "[]" });
      expect(answer.status).toBe(403);
      expect(answer.headers.get("lever-error")).toBe("platform");
      expect(await answer.json()).toMatchObject({ status: 403, code: "private_service" });
      const client = new Client({ forceHost: lever.address });
      await expect(
        client.invokeURL("lever://none.lever/notesStorage/newest"),
      ).rejects.toMatchObject({
        code: "private_service",
      });
    });

    it("notes loses no note when 50 are added at once", async () => {
      const texts = Array.from({ length: 50 }, (_, i) => `note ${i}`);
      const ids = await Promise.all(texts.map((text) => notes.invoke("add", text)));
      expect(ids.toSorted((a, b) => a - b)).toEqual(texts.map((_, i) => i + 1));
      const kept = await notes.invoke("list");
      expect(kept.map(({ text }) => text).toSorted()).toEqual(texts.toSorted());
    });
  });

  describe("after a stop of Lever, a kill, and a new version", () => {
    let status: number;
    let texts: string[];

    beforeAll(async () => {
      const dataDir = await makeDataDir();
      const on = (host: RunningLever): Place => ({ host, environment: "dev.lever" });
      const first = await startLever({ dataDir });
      await deploy(on(first), "notes/storage", "notes/api");
      await notesOf(on(first)).invoke("add", "before the stop");
      status = await first.stop();

      const second = await startLever({ dataDir });
      await notesOf(on(second)).invoke("add", "before the kill");
      await second.kill();

      await using third = await startLever({ dataDir });
      await deploy(on(third), "notes/storage");
      await notesOf(on(third)).invoke("add", "after the new version");
      texts = (await notesOf(on(third)).invoke("list")).map(({ text }) => text);
    }, 60_000);

    it("notes keeps its notes through a stop of Lever", () => {
      expect(status).toBe(0);
      expect(texts).toContain("before the stop");
    });

    it("notes keeps its notes through a kill of Lever", () => {
      expect(texts).toContain("before the kill");
    });

    it("notes keeps its notes through a new version", () => {
      expect(texts).toEqual(["after the new version", "before the kill", "before the stop"]);
    });
  });
});

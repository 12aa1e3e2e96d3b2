/**
 * Runs the code of docs/guide. Every fenced block of a page is one of these, and a block of another kind fails:
 *
 * - `sh`: its commands run in order, on a host of the page's own.
 * - After `<!-- service: name -->`: a module that is deployed under this name and called.
 * - After `<!-- program -->`: a part of one program, which runs as the page shows it.
 * - After `<!-- not run: reason -->`: skipped, for this reason.
 * - `text`: not code.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callMethod } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { cleanEnvironment, leverBin } from "../harness/run-lever.ts";
import { deployService, testService } from "../harness/test-service.ts";

const repository = join(import.meta.dirname, "../..");

interface Block {
  readonly line: number;
  readonly language: string;
  /** The comment above it; "" without one. */
  readonly mark: string;
  readonly code: string;
}

function blocksOf(page: string): Block[] {
  const text = readFileSync(join(repository, "docs/guide", `${page}.md`), "utf8");
  const fence = /(?:^<!-- (?<mark>.+?) -->\n)?^```(?<language>\w*)\n(?<code>.*?)^```$/gms;
  return [...text.matchAll(fence)].map(({ index, groups }) => ({
    line: text.slice(0, index).split("\n").length,
    language: groups?.["language"] ?? "",
    mark: groups?.["mark"] ?? "",
    code: groups?.["code"] ?? "",
  }));
}

/** The services that the pages' code uses, and that no page contains. */
const prerequisites: Readonly<Record<string, string>> = {
  helloService: "exports.sayHello = (name) => 'Hello, ' + name + '!';",
  notes: "exports.add = (text) => text.length;",
  prices: `exports.followChan = async function* (stream, from) {
    for await (const { add } of stream) { yield from + add; yield null; }
  };`,
  checkout: "exports.token = () => [process.env.LOG_LEVEL, process.env.API_TOKEN];",
};

type Call = readonly [path: string, args: readonly unknown[] | string, result: unknown];

/** Calls to the services that pages show. Results of streaming methods are lists of messages. */
const calls: Readonly<Record<string, readonly Call[]>> = {
  greeter: ["byCallback", "byPromise", "byValue"].map((name) => [name, ["Ada"], "Hello, Ada!"]),
  shop: [
    ["price", ["tea"], 3],
    ["price", ["gold"], 0],
  ],
  weather: [["temperature", ["Oslo"], -3]],
  numbers: [["countChan", [3], [1, 2, 3]]],
  lines: [["upperChan", '[]\n"one"\n"two"\n', ["ONE", "TWO"]]],
  rooms: [
    ["lobby/say", ["hi"], 1],
    ["lobby/say", ["there"], 2],
    ["attic/say", ["hi"], 1],
  ],
  slow: [["slowly", [], "done"]],
  // Commands request its page.
  pages: [],
  orders: [["handler", [{ id: 7 }], { id: 7, state: "open" }]],
  caller: [["greetTwice", ["Ada"], "Hello, Ada Ada!"]],
};

/** The same after one more deploy, which replaces their instances. */
const callsAfterDeploy: Readonly<Record<string, readonly Call[]>> = {
  rooms: [["lobby/say", ["again"], 3]],
};

const pages = [
  ...["services", "calling", "running", "develop", "http", "monitoring"],
  "coming-from-other-platforms",
];

describe.each(pages)("the code of docs/guide/%s.md", (page) => {
  const blocks = blocksOf(page);
  let lever: RunningLever;
  /** The working folder: commands write files into it, and find `leveros` from it. */
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "lever-guide-"));
    symlinkSync(join(repository, "node_modules"), join(folder, "node_modules"));
    lever = await startLever();
    for (const [name, code] of Object.entries(prerequisites)) {
      await deployService(lever, testService(code, { name }));
    }
  }, 60_000);

  afterAll(async () => {
    await lever?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Runs a program to its end. One that `follows` has no end: it is stopped after its first output. */
  async function run(program: string, args: readonly string[], follows = false): Promise<void> {
    const child = spawn(program, args, {
      cwd: folder,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...cleanEnvironment(),
        LEVEROS_IP_PORT: lever.address,
        XDG_CONFIG_HOME: folder,
        TOKEN: "a secret",
      },
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => {
        output += chunk.toString();
      });
    }
    const { pid } = child;
    if (follows && pid !== undefined) {
      child.stdout.once("data", () => process.kill(-pid, "SIGTERM"));
    }
    const [status, signal] = (await once(child, "close")) as [number | null, string | null];
    // A command may end in order when it is stopped.
    expect(follows ? ["SIGTERM", 0] : [0], output).toContain(signal ?? status);
  }

  it(`every code block of ${page}.md is run, or says why not`, () => {
    const unknown = blocks.filter(
      ({ language, mark }) =>
        !(language === "sh" || language === "text" || mark === "program") &&
        !/^(?:service|not run): \S/.test(mark),
    );
    expect(unknown.map(({ line }) => `${page}.md:${line}`)).toEqual([]);
  });

  const services = blocks.flatMap(({ mark, code }) => {
    const [, name] = /^service: (\w+)$/.exec(mark) ?? [];
    return name === undefined ? [] : [{ name, code }];
  });
  if (services.length > 0) {
    it.each(services)(
      `${page}.md: the service $name answers as the page says`,
      async ({ name, code }) => {
        expect(calls).toHaveProperty(name);
        for (const round of [calls[name] ?? [], callsAfterDeploy[name] ?? []]) {
          await deployService(lever, testService(code, { name }));
          for (const [path, args, result] of round) {
            const { text } = await callMethod(lever.address, `/${name}/${path}`, args);
            const lines = text.split("\n").filter((line) => line !== "");
            const values = lines.map((line) => JSON.parse(line) as unknown);
            expect(path.endsWith("Chan") ? values : values[0], text).toEqual(result);
          }
        }
      },
      30_000,
    );
  }

  const program = blocks.filter(({ mark }) => mark === "program").map(({ code }) => code);
  if (program.length > 0) {
    it(`${page}.md: the parts of the program run as one`, async () => {
      const file = join(folder, "program.mts");
      writeFileSync(file, program.join("\n").replaceAll("127.0.0.1:8080", lever.address));
      await run(process.execPath, [file]);
    }, 30_000);
  }

  const commands = blocks
    .filter(({ language, mark }) => language === "sh" && mark === "")
    .flatMap(({ code }) =>
      code
        .replaceAll(/\\\n\s*/g, "")
        .trimEnd()
        .split("\n"),
    );
  if (commands.length > 0) {
    it(`${page}.md: every command succeeds as the page shows it`, async () => {
      // The commands are about services that a reader has called.
      await callMethod(lever.address, "/helloService/sayHello", ["Ada"]);
      for (const command of commands) {
        const here = command
          .replaceAll("127.0.0.1:8080", lever.address)
          .replaceAll("npx lever", `node ${leverBin}`);
        await run("bash", ["-ec", here], /--(?:watch|follow)|lever\.js dev(?!.*--)/.test(here));
      }
    }, 120_000);
  }
});

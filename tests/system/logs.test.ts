import type { LogFilter, LogMessage, LogRecord } from "@leveros/protocol";
import { Client } from "leveros";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { adminOf } from "../harness/admin.ts";
import { eventually } from "../harness/eventually.ts";
import { callMethod } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { deployService, testService } from "../harness/test-service.ts";

/** Fails in line 41, column 18. */
const PAY = `${"// A comment.\n".repeat(38)}
export function charge(order: { total: number } | undefined): number {
  return -(order.total);
}
`;
const SHOP = `
import { writeSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { charge } from "./pay.ts";
export function pay(): number {
  return charge(undefined);
}
export function levels(): void {
  console.debug("a detail");
  console.log("two\\nlines");
  console.warn("a warning");
  console.error("an error");
  process.stdout.write("in ");
  process.stdout.write("parts\\n");
  spawnSync("sh", ["-c", "echo from a child; echo and its error >&2"], { stdio: "inherit" });
}
export function stray(): void {
  Promise.reject(new Error("a stray rejection"));
}
export function secret(): void {
  console.log("the key is " + process.env["KEY"]);
}
export function die(): void {
  for (let i = 0; i < 20_000; i++) console.log("chatter " + i);
  console.log("last words");
  process.exit(3);
}
/** Prints for a second, as fast as it can. */
export function flood(): number {
  const lines = Buffer.from("one line of very many\\n".repeat(1_000));
  const end = Date.now() + 1_000;
  let printed = 0;
  while (Date.now() < end) {
    try {
      writeSync(1, lines);
      printed += 1_000;
    } catch {
      // The host has not read all yet.
    }
  }
  return printed;
}
`;
const CALM = `
exports.count = (from) => {
  for (let i = from; i < from + 20; i++) console.log("number " + i);
};`;

let lever: RunningLever;

const deployShop = (): Promise<unknown> =>
  deployService(
    lever,
    testService({ "server.ts": SHOP, "pay.ts": PAY }, { name: "shop", jsEntry: "server.ts" }),
  );

const call = async (method: string, ...args: unknown[]): Promise<unknown> =>
  (await callMethod(lever.address, method, args)).json();

async function find(filter: LogFilter): Promise<readonly LogRecord[]> {
  return (await adminOf(lever).invoke("listLogs", "dev.lever", filter)).records;
}

const textsOf = async (filter: LogFilter): Promise<string[]> =>
  (await find(filter)).map(({ text }) => text);

beforeAll(async () => {
  lever = await startLever({ args: ["--limit", "loggedBytesPerSecondMax=2000"] });
  await adminOf(lever).invoke("setVariable", "dev.lever", "shop", "KEY", "open sesame", {
    secret: true,
  });
  await deployShop();
  await deployService(lever, testService(CALM, { name: "calm" }));
});

afterAll(() => lever.stop());

describe("the logs of a service", () => {
  it("have what a method threw, with its position in the source", async () => {
    await call("/shop/pay");
    await eventually(async () => (await textsOf({ service: "shop", level: "error" }))[0]);
    const { stdout } = await lever.lever(["logs", "shop", "--level", "error"]);
    expect(stdout).toMatch(
      / {2}error {2}shop-1-\w+ {2}\w{3}-\w+ {2}pay failed: TypeError: Cannot read/,
    );
    expect(stdout).toContain("at charge (pay.ts:41:18)");
    expect(stdout).not.toContain("main.cjs");
  });

  it("have the call in whose course a record was printed, and its trace has them", async () => {
    const { headers } = await callMethod(lever.address, "/shop/pay", []);
    const id = String(headers["lever-call"]);
    await eventually(async () => {
      const found = await find({ call: id });
      const shown = found.map(({ call, text }) => [call, text.slice(0, 11)]);
      expect(shown).toEqual([[id, "pay failed:"]]);
      return true;
    });
    const { stdout } = await lever.lever(["trace", id]);
    expect(stdout).toMatch(/shop\/pay .*✗.*Cannot read.*at charge \(pay\.ts:41:18\)/s);
  });

  it("are shown of one call, and up to a time", async () => {
    const { headers } = await callMethod(lever.address, "/shop/pay", []);
    const id = String(headers["lever-call"]);
    await eventually(async () => (await find({ call: id })).length === 1);
    const { stdout } = await lever.lever(["logs", "shop", "--call", id]);
    expect(stdout.match(/pay failed/g)).toHaveLength(1);
    const before = await lever.lever(["logs", "shop", "--call", id, "--until", "1h"]);
    expect(before).toMatchObject({ status: 0, stdout: "" });
  });

  it("have whole records, with the levels of the console and of the streams", async () => {
    await call("/shop/levels");
    await eventually(async () => {
      const found = await find({ service: "shop" });
      const shown = found.map(({ level, stream, text }) => [level, stream, text]);
      expect(shown).toEqual(
        expect.arrayContaining([
          ["debug", "stdout", "a detail"],
          ["info", "stdout", "two\nlines"],
          ["warn", "stderr", "a warning"],
          ["error", "stderr", "an error"],
          ["info", "stdout", "in parts"],
          ["info", "stdout", "from a child"],
          ["warn", "stderr", "and its error"],
        ]),
      );
      return true;
    });
  });

  it("have errors outside of calls", async () => {
    await call("/shop/stray");
    const shown = await eventually(async () => {
      const [text] = await textsOf({ service: "shop", grep: "a stray rejection" });
      return text;
    });
    expect(shown).toMatch(/stray \(server\.ts:18:18\)/);
  });

  it("do not have the values of secrets", async () => {
    await call("/shop/secret");
    const shown = await eventually(async () => (await textsOf({ grep: "the key is" }))[0]);
    expect(shown).toBe("the key is [secret KEY]");
  });

  it("are refused to a caller that names no service that can be", async () => {
    const refused = adminOf(lever).invoke("listLogs", "dev.lever", { service: "../x" });
    await expect(refused).rejects.toThrow(/allowed is the name of a service/);
  });
});

describe("a service that floods its output", () => {
  it("has its last words in its logs when its caller knows of its end", async () => {
    await call("/shop/die");
    const found = await find({ service: "shop", grep: "last words" });
    expect(found.map(({ text }) => text)).toEqual(["last words"]);
    const dropped = await find({ service: "shop", grep: "dropped" });
    const [{ text = "" } = {}] = dropped;
    expect(text).toMatch(
      /^… \d+ records \(\d+\.\d MB\) dropped: more than loggedBytesPerSecondMax$/,
    );
  });

  it("leaves the records of other services complete, and its numbers add up", async () => {
    const flooding = call("/shop/flood");
    for (let from = 0; from < 200; from += 20) await call("/calm/count", from);
    const printed = Number(await flooding);
    const numbers = Array.from({ length: 200 }, (_, i) => `number ${i}`);
    await eventually(async () => {
      expect(await textsOf({ service: "calm", max: 1_000 })).toEqual(numbers);
      return true;
    });
    expect(printed).toBeGreaterThan(1_000);
  });
});

describe("logs that are followed", () => {
  it("begin with earlier records, and go on with new ones", async () => {
    const stream = await new Client({ forceHost: lever.address })
      .service("admin.lever", "admin")
      .invokeChan("watchLogsChan", "dev.lever", { service: "calm", max: 1 });
    const next = async (): Promise<string> => {
      const { value } = await messages.next();
      const message = value as LogMessage;
      return "text" in message ? message.text : "";
    };
    const messages = stream[Symbol.asyncIterator]();
    expect(await next()).toBe("number 199");
    await call("/calm/count", 500);
    expect(await next()).toBe("number 500");
    stream.cancel();
  });
});

describe("a service that does not load", () => {
  it("has the reason in its logs, under a version that never goes live", async () => {
    const broken = testService('console.log("loading"); throw new Error("no luck");', {
      name: "shop",
    });
    await expect(deployService(lever, broken)).rejects.toThrow(/no luck/);
    const [loading, failed] = await find({ service: "shop", version: 2 });
    expect([loading?.text, failed?.level]).toEqual(["loading", "error"]);
    expect(failed?.text).toMatch(/^Its module cannot be loaded: Error: no luck/);
  });

  it("is in the audit with its name, and no later version has its number", async () => {
    await deployShop();
    const { stdout } = await lever.lever(["audit"]);
    const changes = stdout.split("\n").filter((line) => line.includes("deployServiceChan"));
    const shown = changes.map((line) => line.split(/ +/).slice(-3));
    expect(shown).toEqual(
      expect.arrayContaining([
        ["shop", "2", "failed"],
        ["shop", "3", "done"],
      ]),
    );
    const events = await adminOf(lever).invoke("listEvents", "dev.lever", "shop");
    const deploy = { event: "deploy failed", service: "shop", version: 2 };
    expect(events).toContainEqual(expect.objectContaining(deploy));
  });
});

describe("a program that does not start", () => {
  it("has its lines in its logs, and its error names the command that shows them", async () => {
    const command = "echo beginning; echo no luck >&2; exit 3";
    const program = testService({}, { name: "prog", entry: ["sh", "-c", command] });
    const error = await deployService(lever, program).catch(String);
    const [, shown = ""] =
      /Its log: lever (logs prog --instance prog-1-\w{8})/.exec(String(error)) ?? [];
    const { stdout } = await lever.lever(shown.split(" "));
    expect(stdout).toMatch(/ {2}info {3}prog-1-\w+ {2}beginning\n/);
    expect(stdout).toMatch(/ {2}warn {3}prog-1-\w+ {2}no luck\n/);
    expect(stdout).toMatch(/ {2}error {2}prog-1-\w+ {2}Its entry failed: sh exited with status 3/);
  });
});

describe("logs after a restart of the host", () => {
  it("have the records from before", async () => {
    await lever.kill();
    lever = await startLever({ dataDir: lever.dataDir });
    await call("/calm/count", 900);
    await eventually(async () => {
      const found = await textsOf({ service: "calm", max: 1_000 });
      expect(found).toEqual(expect.arrayContaining(["number 0", "number 199", "number 919"]));
      return true;
    });
    const { stdout } = await lever.lever(["logs", "calm", "-n", "1", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ service: "calm", text: "number 919" });
  });

  it("are told with what happened to the instances from before", async () => {
    const [{ instance = "" } = {}] = await find({ service: "shop", grep: "last words" });
    const { stdout } = await lever.lever(["why", instance]);
    expect(stdout).toMatch(/instance ready.*instance failed.*exited with status 3/s);
  });
});

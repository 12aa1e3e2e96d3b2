/** An operator's questions: each is answered by one command, before and after a restart of the host. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "leveros";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../harness/eventually.ts";
import { type HttpAnswer, httpCall } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import type { LeverRun } from "../harness/run-lever.ts";
import { deployService, testService } from "../harness/test-service.ts";

const shop = testService(
  `const { Client } = require("leveros");
  const tax = new Client().service("dev.lever", "tax");
  exports.pay = async (amount) => {
    console.log("paying", amount);
    if (amount < 0) throw new Error("the amount is negative");
    return amount * await tax.invoke("rate");
  };
  exports.die = () => process.exit(7);
  exports.flood = () => process.stdout.write("flood\\n".repeat(100_000));
  exports.hang = () => new Promise(() => {});`,
  { name: "shop" },
);
const tax = testService(
  "exports.rate = () => new Promise((resolve) => setTimeout(resolve, 300, 1.2));",
  { name: "tax" },
);

const COMMANDS_AT_ONCE = 4;

let dataDir: string;
let lever: RunningLever;
/** The instance that has ended by itself. */
let died: string;
/** The call of another service that took long. */
let slow: string;

/** A question, the command that answers it, and what the answer has. */
const questions: readonly [string, () => readonly string[], RegExp][] = [
  [
    "why so many instances",
    () => ["explain", "shop"],
    /shop version 2 has 1 instance\..*: 1 call in flight/,
  ],
  ["why an instance died", () => ["why", died], /instance failed .*exited with status 7/],
  ["who uses memory", () => ["stats"], /MEMORY(.*\n)*shop .* MB/],
  [
    "the memory of a service an hour ago",
    () => ["stats", "shop", "--since", "2h"],
    /^LAST 120 MIN .*FIRST(.*\n)*memory .* 42 MB .* 42 MB$/m,
  ],
  ["what is in flight", () => ["calls", "--running"], /shop\/hang .* running/],
  ["the calls, errors and p99 of a method", () => ["stats", "shop"], /P99 .*\n(.*\n)*pay /],
  ["why a call was slow", () => ["trace", slow], /tax\/rate .*█.* \d+(\.\d+)? m?s/],
  ["who called whom", () => ["trace", slow], /^shop\/pay .*\n(?: {2}info: .*\n)* {2}tax\/rate /m],
  ["what an instance printed", () => ["logs", "--instance", died, "--grep", "paying"], /paying 3/],
  [
    "where a method threw",
    () => ["logs", "shop", "--level", "error"],
    /negative\n.*server\.js:5:27/,
  ],
  [
    "what happened since yesterday",
    () => ["events", "--since", "1d"],
    /deployed(.*\n)+.*instance failed/,
  ],
  ["whether it is ready", () => ["status"], /^state +ready/],
  ["who deployed what", () => ["audit"], /local .*deployServiceChan .*shop +2 +done/],
  ["what was dropped", () => ["logs", "shop", "--level", "warn"], /\d+ records? \(.*\) dropped/],
  ["which version answered", () => ["trace", slow], /shop\/pay .* v2 /],
  ["whose token it is", () => ["whoami"], /no token/],
];

const call = (path: string, args = "[]"): Promise<HttpAnswer> =>
  httpCall(lever.address, path, {
    headers: { host: "dev.lever", "content-type": "application/json", "lever-trace": "1" },
    body: args,
  });

/** Leaves what an earlier run of the host has stored an hour ago: a minute in which `shop` had 42 MB. */
function storeEarlierMinute(): void {
  const at = new Date(Date.now() - 3_600_000);
  const point = [60, 0, 1, 2, 3, 0, 1, 42_000_000, 0.5];
  const minute = { t: Math.round(at.getTime() / 1_000), h: point, s: { "dev.lever/shop": point } };
  mkdirSync(join(dataDir, "metrics"), { mode: 0o700 });
  const file = `${at.toISOString().slice(0, 13)}.ndjson`;
  writeFileSync(join(dataDir, "metrics", file), `${JSON.stringify(minute)}\n`);
}

/** Asks all questions while a call is in flight. */
async function askAll(): Promise<ReadonlyMap<string, LeverRun>> {
  await call("/shop/pay", "[4]");
  const ended = new AbortController();
  const hanging = fetch(`${lever.origin}/shop/hang`, { method: "POST", signal: ended.signal });
  const admin = new Client({ forceHost: lever.address }).service("admin.lever", "admin");
  const running = (): Promise<unknown> => admin.invoke("listCalls", "dev.lever", { running: true });
  await eventually(async () => JSON.stringify(await running()).includes("hang"));
  const all = new Map<string, LeverRun>();
  // Each command is a process. A host searches the logs for five callers at once, so not all commands run at once.
  for (let at = 0; at < questions.length; at += COMMANDS_AT_ONCE) {
    const some = questions.slice(at, at + COMMANDS_AT_ONCE);
    const answers = some.map(async ([question, command]) => {
      all.set(question, await lever.lever(command()));
    });
    await Promise.all(answers);
  }
  ended.abort();
  await expect(hanging).rejects.toThrow();
  return all;
}

const answers = new Map<string, ReadonlyMap<string, LeverRun>>();

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), "lever-questions-"));
  storeEarlierMinute();
  lever = await startLever({ dataDir });
  await deployService(lever, tax);
  await deployService(lever, shop);
  await deployService(lever, shop);
  slow = String((await call("/shop/pay", "[3]")).headers["lever-call"]);
  await call("/shop/pay", "[-1]");
  await call("/shop/flood");
  await call("/shop/die");
  died = String((await lever.event("instance failed"))["instance"]);
  answers.set("before", await askAll());
  await lever.stop();
  lever = await startLever({ dataDir });
  answers.set("after", await askAll());
}, 120_000);

afterAll(async () => {
  await lever?.stop();
  rmSync(dataDir, { recursive: true });
});

describe.each(["before", "after"])("%s a restart, one command says", (when) => {
  it.each(questions)("%s", (question, _, expected) => {
    const { status, stdout, stderr } = answers.get(when)?.get(question) ?? {};
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(expected);
  });
});

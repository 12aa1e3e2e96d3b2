import { adminOf } from "../../tests/harness/admin.ts";
import { callMethod } from "../../tests/harness/http-call.ts";
import { startLever } from "../../tests/harness/lever.ts";
import { deployService, testService } from "../../tests/harness/test-service.ts";
import { atLeast, atMost, type Figure, measured } from "../figure.ts";
import { longestTurn, loopDelayEnv } from "../host-loop.ts";
import type { Scenario } from "../scenario.ts";

const LINES_PER_SECOND = 200_000;
const CALM_CALLS = 20;
const CALM_LINES = 2;

/** Prints at that rate, in writes of 5 ms each: lines outside of frames, or records of the console. */
const NOISY = `
const { writeSync } = require("node:fs");
const { setTimeout: wait } = require("node:timers/promises");
const line = "a line of a service that prints very many of them\\n";
const perTurn = ${LINES_PER_SECOND / 200};
const lines = Buffer.from(line.repeat(perTurn));
function writeLines() {
  for (let at = 0; at < lines.length; ) {
    try { at += writeSync(1, lines, at); } catch (error) { if (error.code !== "EAGAIN") throw error; }
  }
}
function printRecords() { for (let i = 0; i < perTurn; i++) console.log(line); }
exports.flood = async (ms, kind) => {
  const print = kind === "lines" ? writeLines : printRecords;
  const startedAt = performance.now();
  let printed = 0;
  for (let at = 0; at < ms; at = performance.now() - startedAt) {
    for (; printed < at / 5 * perTurn && performance.now() - startedAt < ms; printed += perTurn) print();
    await wait(1);
  }
  return printed;
};
exports.die = () => { console.log("last words"); process.exit(3); };
`;
const CALM = `exports.count = (from) => { for (let i = from; i < from + ${CALM_LINES}; i++) console.log("number " + i); };`;

type Load = "none" | "lines" | "records";

/** One service floods its output while another one prints now and then. */
async function floodLogs({ ms, rounds }: { ms: number; rounds: number }): Promise<Figure[]> {
  await using lever = await startLever({ logsOutput: false, env: loopDelayEnv });
  await deployService(lever, testService(NOISY, { name: "noisy" }));
  await deployService(lever, testService(CALM, { name: "calm" }));
  const call = async (path: string, ...args: unknown[]): Promise<unknown> =>
    (await callMethod(lever.address, path, args)).json();
  let number = 0;
  const callCalm = async (): Promise<void> => {
    for (let i = 0; i < CALM_CALLS; i++, number += CALM_LINES) {
      await call("/calm/count", number);
      await new Promise((resolve) => setTimeout(resolve, ms / CALM_CALLS));
    }
  };
  const delays: Record<Load, number[]> = { none: [], lines: [], records: [] };
  const turns: Record<Load, number[]> = { none: [], lines: [], records: [] };
  const rates: Record<Load, number[]> = { none: [], lines: [], records: [] };
  // The first time, code is compiled.
  for (const kind of ["lines", "records"]) await call("/noisy/flood", ms, kind);
  for (let round = 0; round < rounds; round++) {
    for (const kind of ["none", "lines", "records"] as const) {
      await longestTurn(lever);
      const flood = kind === "none" ? 0 : call("/noisy/flood", ms, kind);
      await callCalm();
      rates[kind].push((1_000 * Number(await flood)) / ms);
      const { delayMs, computedMs } = await longestTurn(lever);
      delays[kind].push(delayMs);
      turns[kind].push(computedMs);
    }
  }
  await call("/noisy/die");
  const find = async (filter: object): Promise<string[]> => {
    const { records } = await adminOf(lever).invoke("listLogs", "dev.lever", filter);
    return records.map(({ text }) => text);
  };
  const found = await find({ service: "calm", max: 1_000 });
  const words = await find({ service: "noisy", grep: "last words" });
  return [
    measured("without a flood: longest delay of the host's event loop, ms", delays.none),
    measured("without a flood: longest turn, ms of processor time", turns.none),
    ...(["lines", "records"] as const).flatMap((kind): Figure[] => [
      measured(`${kind} printed per second`, rates[kind]),
      atMost(`${kind}: longest delay of the host's event loop, ms`, delays[kind], 20),
      atMost(`${kind}: longest turn, ms of processor time`, turns[kind], 20),
    ]),
    atMost("records of the other service that are missing", number - found.length, 0),
    atLeast("last words that were found", words.length, 1),
  ];
}

export const logFlood: Scenario = {
  name: "log-flood",
  about: `the host's event loop while a service prints ${LINES_PER_SECOND} lines a second, and the records of another one`,
  run: ({ seconds, rounds }) => floodLogs({ ms: seconds * 1_000, rounds }),
};

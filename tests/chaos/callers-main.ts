/** The program of the callers' machine: it calls hosts over and over, and makes single requests. */
import { setTimeout as delay } from "node:timers/promises";
import { httpCall } from "../harness/http-call.ts";
import { BROKEN, type CallEnd, GAVE_UP, outcomeOf } from "./call-outcomes.ts";
import type { Increment } from "./counter-history.ts";
import type {
  BrokenCall,
  CallersCommand,
  CallersMessage,
  HostRequest,
  Load,
} from "./machine-programs.ts";

/** Longer than any call may take by the hosts' own limit. */
const GIVE_UP_MS = 30_000;
const PAUSE_MS_MAX = 20;
const PAUSE_AFTER_FAILURE_MS = 100;

const outcomes = new Map<string, Map<string, number>>();
const increments = new Map<string, Increment[]>();
const broken: BrokenCall[] = [];
const loops: Promise<void>[] = [];
let isDone = false;

process.on("message", (command: CallersCommand) => {
  switch (command.kind) {
    case "request":
      void call(command.request).then((end) => send({ kind: "answer", id: command.id, end }));
      break;
    case "load":
      for (let caller = 0; caller < command.callers; caller++) {
        loops.push(callPlain(command, caller), callResources(command, caller));
      }
      break;
    case "stop":
      void stop();
  }
});
// Nothing of a run outlives it.
process.on("disconnect", () => process.exit());
send({ kind: "ready" });

async function callPlain(load: Load, caller: number): Promise<void> {
  const host = caller % load.addresses.length;
  while (!isDone) await timed(load, { kind: "plain calls", host, path: "/plain/answer" });
}

async function callResources(load: Load, caller: number): Promise<void> {
  const host = caller % load.addresses.length;
  while (!isDone) {
    const resource = `r${Math.floor(Math.random() * load.resources)}`;
    const path = `/book/${resource}/add`;
    const { from, to, end } = await timed(load, { kind: "calls of resources", host, path });
    const value = end.status === 200 ? Number(end.text) : undefined;
    const history = increments.get(resource);
    if (history === undefined) increments.set(resource, [{ from, to, value }]);
    else history.push({ from, to, value });
  }
}

async function timed(
  { addresses, token }: Load,
  { kind, host, path }: { readonly kind: string; readonly host: number; readonly path: string },
): Promise<{ readonly from: number; readonly to: number; readonly end: CallEnd }> {
  const from = now();
  const end = await call({
    address: addresses[host] ?? "",
    path: `${path}?forceenv=dev.lever`,
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    body: "[]",
  });
  const to = now();
  const outcome = outcomeOf(end);
  const counts = outcomes.get(kind) ?? new Map<string, number>();
  outcomes.set(kind, counts);
  counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  if (outcome === BROKEN || outcome === GAVE_UP) broken.push({ host, from, to, outcome });
  await delay(outcome === "ok" ? Math.random() * PAUSE_MS_MAX : PAUSE_AFTER_FAILURE_MS);
  return { from, to, end };
}

async function call({ address, path, headers, body }: HostRequest): Promise<CallEnd> {
  const signal = AbortSignal.timeout(GIVE_UP_MS);
  try {
    const answer = await httpCall(address, path, { headers, body, signal });
    const { "lever-error": failed } = answer.headers;
    const { status, text } = answer;
    return { status, text, failed: failed?.toString(), hasGivenUp: false };
  } catch (error) {
    return { status: 0, text: String(error), failed: undefined, hasGivenUp: signal.aborted };
  }
}

async function stop(): Promise<void> {
  isDone = true;
  await Promise.all(loops);
  const byKind = [...outcomes].map(([kind, counts]) => [kind, Object.fromEntries(counts)] as const);
  send({ kind: "report", report: { outcomes: Object.fromEntries(byKind), increments, broken } });
}

/** Milliseconds since 1970, to a part of a millisecond. */
function now(): number {
  return performance.timeOrigin + performance.now();
}

function send(message: CallersMessage): void {
  process.send?.(message);
}

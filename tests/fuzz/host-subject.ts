import type { InstancesReport } from "@leveros/protocol";
import { eventually } from "../harness/eventually.ts";
import { type HttpAnswer, httpCall } from "../harness/http-call.ts";
import { startLever } from "../harness/lever.ts";
import { cleanEnvironment } from "../harness/run-lever.ts";
import { deployService, testService } from "../harness/test-service.ts";
import { type Exchanged, exchange } from "./exchange.ts";
import { HeapProbe } from "./heap-probe.ts";
import type { Corpus } from "./mutator.ts";
import { connections, openFiles, residentBytes } from "./process-files.ts";
import type { Measure, Subject } from "./target.ts";

/** How a protocol's inputs are sent, and what must not be in their answers. */
export interface HostTarget {
  readonly corpus: Corpus;
  readonly isAnswered: (answer: Buffer) => boolean;
  /** Sent with each call that checks or measures. */
  readonly headers?: Readonly<Record<string, string>>;
  /** @throws Error that says what is wrong with an answer. */
  readonly judge?: (bytes: Buffer, exchanged: Exchanged) => void;
  /** Prepares what needs calls with the headers. */
  readonly prepare?: (admin: AdminCall) => Promise<Prepared>;
}

interface Prepared extends Pick<HostTarget, "judge"> {
  /** Bytes as they go to the host, where the corpus cannot have them. */
  readonly finish: (bytes: Buffer) => Buffer;
  /** Between inputs. */
  readonly check: (admin: AdminCall) => Promise<void>;
}

export type AdminCall = (method: string, ...args: unknown[]) => Promise<unknown>;

const service = `
exports.echo = (...args) => args;
exports.size = (bytes) => bytes.length;
exports.fail = async () => { throw { why: "asked to" }; };
exports.echoChan = async (stream) => { for await (const message of stream) stream.write(message); };
exports.countChan = async function* (stream, to) { for (let n = 0; n < Math.min(Number(to) || 1, 100); n++) yield n; };
exports.newResource = async () => {};
exports.closeResource = async () => {};
`;

const leverJson = {
  name: "fuzz",
  jsEntry: "server.js",
  minInstances: 1,
  maxInstances: 1,
  maxInstanceLoad: 1_000,
};

/** Short, so that what waits for one has its end soon; and nothing comes and goes by itself. */
const LIMITS = [
  "headersTimeoutMs=4000",
  "requestTimeoutMs=4000",
  "idleConnectionTimeoutMs=600",
  "resourceIdleTimeoutMs=500",
  "bodyBytesMax=100000",
  "warmRuntimesMax=0",
  // An instance that gets no processor for a while, on a busy machine, is no finding.
  "unresponsiveAfterMs=60000",
  "unresponsiveKillAfterMs=120000",
];
/** Longer than every limit above. */
const LONG_PATIENCE_MS = 15_000;
const PATIENCE_MS = 250;
const INPUTS_AT_ONCE = 64;
/** Time for all calls and connections to end after the last input. */
const SETTLE_MS = 30_000;

/** A host with a small service. Each input goes to it over a connection of its own. */
export async function openHostSubject(
  /** `admin` calls without a token. */
  describe: (admin: AdminCall) => Promise<HostTarget> | HostTarget,
): Promise<Subject> {
  const lever = await startLever({
    args: LIMITS.flatMap((limit) => ["--limit", limit]),
    env: { NODE_OPTIONS: `${cleanEnvironment()["NODE_OPTIONS"] ?? ""} --inspect=127.0.0.1:0` },
  });
  await deployService(lever, testService(service, leverJson));
  let headers: Readonly<Record<string, string>> = {};
  const call = (path: string, args: readonly unknown[]): Promise<HttpAnswer> =>
    httpCall(lever.address, path, {
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(args),
    });
  const admin: AdminCall = async (method, ...args) => {
    const answer = await call(`/admin/${method}?forceenv=admin.lever`, args);
    if (answer.status !== 200) throw new Error(`Cannot ${method}: ${answer.text}`);
    return answer.json();
  };
  const target = await describe(admin);
  headers = target.headers ?? {};
  const prepared = await target.prepare?.(admin);
  const { instances } = (await admin("listInstances", "dev.lever")) as InstancesReport;
  const startedPids = instances.map(({ pid }) => pid);
  const probe = await HeapProbe.open(lever.output());
  let logRead = 0;
  let turn = 0;

  const atRest = async (): Promise<void> => {
    let rest = "";
    const isAtRest = async (): Promise<boolean> => {
      const report = (await admin("listInstances", "dev.lever")) as InstancesReport;
      const busy = report.instances.filter(
        (of) => of.callsInFlight > 0 || of.streamsInFlight > 0 || of.resources > 0,
      );
      const sockets = connections(lever.pid);
      rest = `${sockets} sockets, ${JSON.stringify(busy)}`;
      // This call needs a socket, and so does the probe.
      return busy.length === 0 && sockets <= 4;
    };
    await eventually(isAtRest, { timeoutMs: SETTLE_MS }).catch((cause: unknown) => {
      throw new Error(`it does not come to rest: ${rest}`, { cause });
    });
  };

  return {
    corpus: target.corpus,
    inputsAtOnce: INPUTS_AT_ONCE,
    async feed(given, choice) {
      const bytes = prepared?.finish(given) ?? given;
      const draw = choice(100);
      const then = draw < 70 ? "wait" : draw < 92 ? "end" : "leave";
      const isLong = draw === 0 && choice(4) === 0;
      turn = (turn + 1) % 200;
      const exchanged = await exchange(lever.address, bytes, {
        localAddress: `127.0.0.${2 + turn}`,
        then,
        patienceMs: isLong ? LONG_PATIENCE_MS : PATIENCE_MS,
        isAnswered: target.isAnswered,
      }).catch((error: unknown) => {
        const bad = lever.output().slice(logRead).split("\n").filter(isAlarming);
        throw new Error(`${error}${bad.length > 0 ? `; the host wrote\n${bad.join("\n")}\n` : ""}`);
      });
      if (isLong && !exchanged.wasHeard && !/chan|%/i.test(bytes.toString("latin1"))) {
        throw new Error("it got no answer, and was not closed");
      }
      if (exchanged.answer.includes('"code":"internal"')) {
        throw new Error(`it was answered with an internal error: ${exchanged.answer}`);
      }
      (prepared ?? target).judge?.(bytes, exchanged);
    },
    async check() {
      const text = `turn ${turn}`;
      const [regular, stream] = await Promise.all([
        call("/fuzz/echo?forceenv=dev.lever", [text, 1]),
        call("/fuzz/countChan?forceenv=dev.lever", [3]),
      ]);
      const received = [regular.status, regular.text, stream.status, stream.text];
      const right = [200, JSON.stringify([text, 1]), 200, "0\n1\n2\n"];
      if (JSON.stringify(received) !== JSON.stringify(right)) {
        throw new Error(`valid calls are answered with ${JSON.stringify(received)}`);
      }
      const report = (await admin("listInstances", "dev.lever")) as InstancesReport;
      const pids = report.instances.map(({ pid }) => pid);
      if (String(pids) !== String(startedPids)) {
        throw new Error(`instances ${startedPids} have become ${pids}`);
      }
      const output = lever.output();
      const bad = output.slice(logRead).split("\n").filter(isAlarming);
      logRead = output.lastIndexOf("\n") + 1;
      if (bad.length > 0) throw new Error(`the host logged ${bad.join("\n")}`);
      await prepared?.check(admin);
    },
    async measure() {
      await atRest();
      return [
        { name: "live MB", value: megabytes(await probe.liveBytes()), growthMax: 12 },
        { name: "RSS MB", value: megabytes(residentBytes(lever.pid)), growthMax: 100 },
        { name: "files", value: openFiles(lever.pid).length, growthMax: 4 },
      ] satisfies Measure[];
    },
    async [Symbol.asyncDispose]() {
      probe[Symbol.dispose]();
      await lever.stop();
    },
  };
}

/** True for warnings, errors, and lines that are no events, such as an uncaught exception. */
function isAlarming(line: string): boolean {
  if (line === "" || /^(Debugger |For help, see)/.test(line)) return false;
  try {
    return Number((JSON.parse(line) as { level: number }).level) >= 40;
  } catch {
    return true;
  }
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1_000_000);
}

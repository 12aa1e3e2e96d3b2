/**
 * Calls `sayHello` at random times, so many times a second on average, whether or not earlier calls have been answered (an
 * open load). It needs a core of its own: it never sleeps, so that each call leaves when it is due.
 *
 *     open-load.ts <port> <path> <host> <calls a second> <seconds>
 *
 * A call that leaves late counts from when it was due. Prints the number of calls, and quantiles of their times in
 * milliseconds.
 */
import { connect, type Socket } from "node:net";
import { quantile } from "../../../tests/harness/load.ts";
import { seededRandom } from "../../../tests/harness/seeded-random.ts";

const [port = "", path = "", host = "", ...numbers] = process.argv.slice(2);
const [perSecond = 0, seconds = 0] = numbers.map(Number);
/** More than are ever in use, unless the server falls behind. */
const CONNECTIONS = 64;
const STALLED_MS = 10_000;
const body = '["world"]';
const call = Buffer.from(
  `POST ${path}sayHello HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
);
const OK = Buffer.from("HTTP/1.1 200 ");
const LAST = Buffer.from('"Hello, world!"');

/** When each call is due: a Poisson process. */
const dueAt = new Float64Array(Math.round(perSecond * seconds));
const random = seededRandom(1);
let at = 0;
for (const index of dueAt.keys()) {
  at -= (Math.log(1 - random()) * 1_000) / perSecond;
  dueAt[index] = at;
}
const latencyMs = new Float64Array(dueAt.length);
const idle: Connection[] = [];
let next = 0;
let answered = 0;
let startedAt = 0;

/** One call after the other. */
class Connection {
  readonly #socket: Socket;
  #call = 0;

  constructor() {
    const buffer = Buffer.alloc(16 * 1024);
    const callback = (bytes: number): boolean => this.#onAnswer(buffer.subarray(0, bytes));
    this.#socket = connect({
      port: Number(port),
      host: "127.0.0.1",
      noDelay: true,
      onread: { buffer, callback },
    });
    this.#socket.on("connect", () => {
      idle.push(this);
      if (idle.length === CONNECTIONS) start();
    });
    this.#socket.on("close", () => fail("a connection has closed"));
    this.#socket.on("error", (error) => fail(error.message));
  }

  send(index: number): void {
    this.#call = index;
    this.#socket.write(call);
  }

  /** Answers are so short that each arrives at once. */
  #onAnswer(bytes: Buffer): boolean {
    const isGreeting = OK.equals(bytes.subarray(0, OK.length)) && bytes.indexOf(LAST) > 0;
    if (!isGreeting) fail(`got ${bytes.toString()}`);
    latencyMs[this.#call] = performance.now() - startedAt - (dueAt[this.#call] ?? 0);
    answered++;
    idle.push(this);
    return true;
  }
}

function fail(reason: string): never {
  console.error(`Cannot measure: ${reason}.`);
  process.exit(1);
}

function start(): void {
  startedAt = performance.now();
  turn();
}

function turn(): void {
  const now = performance.now() - startedAt;
  while (next < dueAt.length && (dueAt[next] ?? 0) <= now) {
    const connection = idle.pop();
    if (connection === undefined) break;
    connection.send(next++);
  }
  if (answered === dueAt.length) finish();
  if (now > seconds * 1_000 + STALLED_MS) fail(`${dueAt.length - answered} calls have no answer`);
  setImmediate(turn);
}

function finish(): void {
  const all = Array.from(latencyMs);
  const of = (part: number): number => quantile(all, part);
  const result = { calls: all.length, p50Ms: of(0.5), p99Ms: of(0.99), p999Ms: of(0.999) };
  console.log(`RESULT ${JSON.stringify(result)}`);
  process.exit(0);
}

for (let i = 0; i < CONNECTIONS; i++) new Connection();

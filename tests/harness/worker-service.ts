/** Two services for tests of workers, and connections to them that show which worker has them. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { Client } from "leveros";
import { eventually } from "./eventually.ts";
import type { RunningLever } from "./lever.ts";
import { deployService, testService } from "./test-service.ts";

const SERVER = `
let running = 0, peak = 0, left = 0;
const waiting = [];
exports.echo = (value) => value;
exports.size = (bytes) => bytes.length;
exports.fail = () => { throw { code: 7 }; };
exports.failBytes = () => { throw Buffer.from([1, 2]); };
exports.bytes = () => Buffer.from([0, 255]);
exports.nothing = () => {};
exports.never = () => new Promise(() => {});
exports.hold = async () => {
  peak = Math.max(peak, ++running);
  await new Promise((resolve) => waiting.push(resolve));
  running--;
  return "held";
};
exports.echoChan = async (stream, ...args) => {
  if (args.length > 0) stream.write(args);
  for await (const message of stream) stream.write(message);
};
exports.failChan = async (stream) => { stream.write("one"); throw { code: 7 }; };
exports.lastsChan = async (stream) => {
  stream.on("error", () => left++);
  stream.write("here");
  await new Promise(() => {});
};
/** A stream does not wait behind calls. */
exports.stateChan = async (stream) => { stream.write({ running, peak, left }); };
exports.releaseChan = (stream) => {
  const release = () => { while (waiting.length > 0) waiting.shift()(); };
  stream.on("data", release).on("close", release).on("end", () => stream.end());
};
exports.endsEarlyChan = async (stream) => { stream.write("enough"); stream.end(); };
`;

/** Deploys `svc`, whose one instance takes all calls, and `narrow`, which takes two at once. */
export async function deployWorkerServices(lever: RunningLever): Promise<void> {
  const [svc, narrow] = [
    { name: "svc", maxInstances: 1, minInstances: 1, maxInstanceLoad: 1_000 },
    { name: "narrow", maxInstances: 1, maxInstanceLoad: 2 },
  ];
  for (const fields of [svc, narrow]) await deployService(lever, testService(SERVER, fields));
}

export const portOf = ({ address }: RunningLever): number => Number(address.split(":")[1]);
export const client = ({ address }: RunningLever, token?: string): Client =>
  new Client({ forceHost: address, ...(token !== undefined && { token }) });

/** The counts of the one instance of a service. */
export interface State {
  /** Calls that are held now. */
  readonly running: number;
  /** The most calls that were held at once. */
  readonly peak: number;
  /** Streams whose callers have left. */
  readonly left: number;
}

export async function stateOf(lever: RunningLever, service: string): Promise<State> {
  const stream = await client(lever).service("dev.lever", service).invokeChan("stateChan");
  for await (const state of stream) return state as State;
  throw new Error(`Cannot read the state of ${service}: its stream ended.`);
}

/** A stream to the service. Each message on it, and its end, lets every held call return. */
export const openGate = (lever: RunningLever, service: string) =>
  client(lever).service("dev.lever", service).invokeChan("releaseChan");

/** An HTTP/1.1 connection that is kept. It carries one call at a time. */
export class Connection {
  readonly socket: Socket;
  received = "";
  isClosed = false;

  constructor(lever: RunningLever) {
    this.socket = connect(portOf(lever), "127.0.0.1");
    this.socket.on("error", () => {});
    this.socket.on("data", (chunk: Buffer) => {
      this.received += chunk.toString("latin1");
    });
    this.socket.on("close", () => {
      this.isClosed = true;
    });
  }

  /** The status and the body; 0 = the connection broke. */
  async call(
    path: string,
    args: unknown[] = [],
    field = "x-nothing: x",
  ): Promise<[number, string]> {
    const body = JSON.stringify(args);
    this.socket.write(
      `POST ${path}?forceenv=dev.lever HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${field}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    return await eventually(
      (): [number, string] | undefined => {
        const end = this.received.indexOf("\r\n\r\n");
        const length = Number(/content-length: (\d+)/i.exec(this.received)?.[1] ?? 0);
        if (end !== -1 && this.received.length >= end + 4 + length) {
          const answer = this.received;
          this.received = answer.slice(end + 4 + length);
          return [Number(answer.slice(9, 12)), answer.slice(end + 4, end + 4 + length)];
        }
        return this.isClosed ? [0, this.received] : undefined;
      },
      { everyMs: 0 },
    );
  }
}

/** Connections that workers have accepted: with enough of them, never all by the same worker. */
export async function connections(lever: RunningLever, count: number): Promise<Connection[]> {
  const opened = Array.from({ length: count }, () => new Connection(lever));
  for (const connection of opened) await connection.call("/svc/echo", [1]);
  return opened;
}

/** Streams that no side ends, each on a connection of its own. */
export async function lastingStreams(lever: RunningLever, count: number): Promise<Connection[]> {
  const opened = Array.from({ length: count }, () => new Connection(lever));
  for (const { socket } of opened) {
    socket.write(post("/svc/lastsChan", "[]\n").replace("connection: close\r\n", ""));
    await once(socket, "data");
  }
  return opened;
}

/** A request that is the last of its connection. `field` replaces the usual header field of its name. */
export function post(path: string, body: string, field = ""): string {
  const [name = ""] = field.split(":");
  const fields = [
    "host: x",
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
  ].filter((usual) => !usual.startsWith(`${name}:`));
  const query = path.includes("?") ? "" : "?forceenv=dev.lever";
  const head = [`POST ${path}${query} HTTP/1.1`, ...fields, ...(field === "" ? [] : [field])];
  return `${head.join("\r\n")}\r\n\r\n${body}`;
}

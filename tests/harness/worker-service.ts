import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { Client } from "leveros";
import { expect } from "vitest";
import { serviceArchive } from "./archive.ts";
import { deployArchive } from "./http-call.ts";
import type { RunningLever } from "./lever.ts";

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
/** Asked on a stream, which waits behind no call. */
exports.stateChan = async (stream) => { stream.write({ running, peak, left }); };
exports.releaseChan = async (stream) => {
  for await (const _ of stream) { while (waiting.length > 0) waiting.shift()(); }
};
exports.endsEarlyChan = async (stream) => { stream.write("enough"); stream.end(); };
`;

const archiveOf = (name: string, fields: object = {}): Buffer =>
  serviceArchive({
    "lever.json": JSON.stringify({ name, jsEntry: "server.js", maxInstances: 1, ...fields }),
    "server.js": SERVER,
  });

/** Deploys `svc`, whose one instance takes all calls, and `narrow`, which takes two at once. */
export async function deploy(lever: RunningLever): Promise<void> {
  const roomy = { minInstances: 1, maxInstanceLoad: 1_000 };
  for (const archive of [archiveOf("svc", roomy), archiveOf("narrow", { maxInstanceLoad: 2 })]) {
    const answer = await deployArchive(lever.address, archive);
    expect(answer.status, answer.text).toBe(200);
  }
}

export const portOf = ({ address }: RunningLever): number => Number(address.split(":")[1]);
export const client = ({ address }: RunningLever, token?: string): Client =>
  new Client({ forceHost: address, ...(token !== undefined && { token }) });

/** Asks turn by turn of the event loop. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await turn();
}

/** What an instance of the service says of itself. */
export interface State {
  readonly running: number;
  readonly peak: number;
  /** Streams whose callers have left. */
  readonly left: number;
}

export async function stateOf(lever: RunningLever, service: string): Promise<State> {
  const stream = await client(lever).service("dev.lever", service).invokeChan("stateChan");
  for await (const state of stream) return state as State;
  throw new Error("It did not say.");
}

/** A stream on which each message lets go of the calls that are held. */
export const releaser = (lever: RunningLever, service: string) =>
  client(lever).service("dev.lever", service).invokeChan("releaseChan");

/** A connection of HTTP/1.1 that is kept: one call after the other. */
export class Connection {
  readonly socket: Socket;
  heard = "";
  isClosed = false;

  constructor(lever: RunningLever) {
    this.socket = connect(portOf(lever), "127.0.0.1");
    this.socket.on("error", () => {});
    this.socket.on("data", (chunk: Buffer) => {
      this.heard += chunk.toString("latin1");
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
    while (true) {
      const end = this.heard.indexOf("\r\n\r\n");
      const length = Number(/content-length: (\d+)/i.exec(this.heard)?.[1] ?? 0);
      if (end !== -1 && this.heard.length >= end + 4 + length) {
        const answer = this.heard;
        this.heard = answer.slice(end + 4 + length);
        return [Number(answer.slice(9, 12)), answer.slice(end + 4, end + 4 + length)];
      }
      if (this.isClosed) return [0, this.heard];
      await turn();
    }
  }
}

/** So many connections, each of which has been taken by a worker: all but certainly not all by the same. */
export async function connections(lever: RunningLever, count: number): Promise<Connection[]> {
  const opened = Array.from({ length: count }, () => new Connection(lever));
  for (const connection of opened) await connection.call("/svc/echo", [1]);
  return opened;
}

/** Streams that nobody ends, each on a connection of its own. */
export async function lastingStreams(lever: RunningLever, count: number): Promise<Connection[]> {
  const opened = Array.from({ length: count }, () => new Connection(lever));
  for (const { socket } of opened) {
    socket.write(post("/svc/lastsChan", "[]\n").replace("connection: close\r\n", ""));
    await once(socket, "data");
  }
  return opened;
}

/** A request that is the last of its connection. Fields that it names replace the usual ones. */
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

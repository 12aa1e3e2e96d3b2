import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { connect } from "node:http2";
import type { Readable } from "node:stream";
import { Client } from "leveros";
import { afterAll, beforeAll, expect, it } from "vitest";
import { WebSocket } from "ws";
import { eventually } from "../harness/eventually.ts";
import { fromJsonMessage, grpcPeer, toRpc } from "../harness/grpc-peer.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { deployService, testService } from "../harness/test-service.ts";

const service = `
const members = new Set();
exports.joinChan = (stream) => {
  members.add(stream);
  stream.on("close", () => members.delete(stream)).resume();
};
exports.count = () => members.size;
exports.say = (count, bytes) => {
  const padding = "x".repeat(bytes);
  for (let number = 0; number < count; number++) {
    const message = { number, padding };
    for (const member of members) member.write(message);
  }
};
exports.sayDifferently = () => {
  const message = { number: 0 };
  for (const member of members) {
    message.number++;
    member.write(message);
  }
};
`;

/** A member of the room: the numbers of the messages that it got. */
interface Member {
  readonly numbers: number[];
  pause(): unknown;
  resume(): unknown;
}

let lever: RunningLever;
const members = new Map<string, Member>();
const closed: (() => void)[] = [];

beforeAll(async () => {
  lever = await startLever();
  const fields = { name: "room", minInstances: 1, maxInstances: 1 };
  await deployService(lever, testService(service, fields));
  for (const [name, join] of Object.entries(joins)) {
    for (const number of [1, 2]) members.set(`${name} ${number}`, await join());
  }
  await eventually(async () => (await room().invoke("count")) === members.size);
});

afterAll(async () => {
  for (const close of closed) close();
  await lever?.stop();
});

const room = (): ReturnType<Client["service"]> =>
  new Client({ forceHost: lever.address }).service("dev.lever", "room");
const path = "/room/joinChan?forceenv=dev.lever";

/** Reads the numbers in lines of text. */
function ofText(stream: Readable): Member {
  const numbers: number[] = [];
  let rest = "";
  stream.setEncoding("utf8").on("data", (text: string) => {
    const lines = `${rest}${text}`.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const [, number] = /"number":(\d+)/.exec(line) ?? [];
      if (number !== undefined) numbers.push(Number(number));
    }
  });
  stream.on("error", () => {});
  closed.push(() => stream.destroy());
  return { numbers, pause: () => stream.pause(), resume: () => stream.resume() };
}

/** Without a body, so that the caller has ended its half. The stream stays open for the method. */
async function ofEvents(): Promise<Member> {
  const outgoing = request(`http://${lever.address}${path}`, {
    headers: { accept: "text/event-stream" },
  });
  outgoing.on("error", () => {}).end();
  const [response] = (await once(outgoing, "response")) as [IncomingMessage];
  return ofText(response);
}

const joins: Readonly<Record<string, () => Promise<Member>>> = {
  "server-sent events": ofEvents,
  "server-sent events over HTTP/2": async () => {
    const session = connect(`http://${lever.address}`);
    closed.push(() => session.destroy());
    return ofText(session.request({ ":path": path, accept: "text/event-stream" }));
  },
  "a WebSocket": async () => {
    const socket = new WebSocket(`ws://${lever.address}${path}`);
    const numbers: number[] = [];
    socket.on("message", (data) => numbers.push(JSON.parse(String(data)).number));
    await once(socket, "open");
    socket.send("[]");
    closed.push(() => socket.terminate());
    return { numbers, pause: () => socket.pause(), resume: () => socket.resume() };
  },
  gRPC: async () => {
    const peer = grpcPeer(lever.address);
    const stream = peer.stream("lever://dev.lever/room/joinChan");
    const numbers: number[] = [];
    stream.on("data", ({ message }: { message?: object }) => {
      const value = fromJsonMessage(message) as { number: number } | null;
      if (value !== null) numbers.push(value.number);
    });
    stream.on("error", () => {});
    stream.write({ rpc: toRpc([]) });
    closed.push(() => peer.close());
    return { numbers, pause: () => stream.pause(), resume: () => stream.resume() };
  },
  "the client": async () => {
    const stream = await room().invokeChan("joinChan");
    const numbers: number[] = [];
    stream.on("data", (message) => numbers.push((message as { number: number }).number));
    closed.push(() => stream.cancel());
    return { numbers, pause() {}, resume() {} };
  },
};

/** Waits until each of these members has so many numbers, and returns all of them. */
async function received(
  count: number,
  from: readonly (readonly [string, Member])[] = [...members],
): Promise<Record<string, number[]>> {
  await eventually(async () => from.every(([, { numbers }]) => numbers.length >= count));
  return Object.fromEntries(from.map(([name, { numbers }]) => [name, numbers.splice(0)]));
}

const firstNumbers = (count: number): number[] => Array.from({ length: count }, (_, at) => at);
const each = (numbers: number[]): Record<string, number[]> =>
  Object.fromEntries([...members.keys()].map((name) => [name, numbers]));

it.each([
  [1_000, 100],
  [100, 6_000],
  [20, 40_000],
  [3, 100_000],
])(
  "every member gets %i messages of %i bytes in order, over any protocol",
  async (count, bytes) => {
    await room().invoke("say", count, bytes);
    expect(await received(count)).toEqual(each(firstNumbers(count)));
  },
);

it("a message that changes between two members reaches each as it was written", async () => {
  await room().invoke("sayDifferently");
  const numbers = Object.values(await received(1)).flat();
  expect(numbers.sort((a, b) => a - b)).toEqual(firstNumbers(members.size).map((at) => at + 1));
});

it("members that stop reading hold up no other, and get every message later", async () => {
  const isSlow = ([name]: readonly [string, Member]): boolean =>
    name.endsWith("2") && name !== "the client 2";
  const slow = [...members].filter(isSlow);
  const others = [...members].filter((member) => !isSlow(member));
  for (const [, member] of slow) member.pause();
  await room().invoke("say", 200, 20_000);
  const numbers = firstNumbers(200);
  const ofOthers = await received(200, others);
  expect(Object.values(ofOthers)).toEqual(others.map(() => numbers));
  for (const [, member] of slow) member.resume();
  const ofSlow = await received(200, slow);
  expect(Object.values(ofSlow)).toEqual(slow.map(() => numbers));
});

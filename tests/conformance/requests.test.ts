/** Requests of HTTP services: by each protocol, to each kind of service, on each way. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { instancesOf } from "../harness/admin.ts";
import { sendRequest } from "../harness/site-client.ts";
import { deployService, testService } from "../harness/test-service.ts";
import {
  type RequestBench,
  type RequestColumn,
  requestCases,
  socketCases,
} from "./request-cases.ts";
import { requestServices } from "./request-services.ts";
import { type OpenWay, requestWays } from "./request-ways.ts";

/** For a gigabyte in the long run. */
const CASE_TIMEOUT_MS = 180_000;
/** What a process of Lever may need in all rows, with floods of a gigabyte each way in the long run. */
const PEAK_MB_MAX = 512;
/** All requests name it, so that they go to the one instance that owns it. */
const ROOM = { "x-room": "room" };

const columns: readonly RequestColumn[] = [
  { service: "fetch", protocol: "HTTP/1.1" },
  { service: "fetch", protocol: "HTTP/2" },
  { service: "program", protocol: "HTTP/1.1" },
  { service: "program", protocol: "HTTP/2" },
  { service: "program", protocol: "WebSocket" },
];

for (const { name, tags, open } of requestWays) {
  describe(name, { tags: [...tags] }, () => testWay(name, open));
}

function testWay(wayName: string, open: () => Promise<OpenWay>): void {
  let way: OpenWay;

  beforeAll(async () => {
    way = await open();
    for (const [name, { fields, files }] of Object.entries(requestServices)) {
      const leverJson = { name, httpResource: "header:x-room", ...fields };
      await deployService(way.home, testService(files, leverJson));
      // The first request of the room decides which host owns it.
      const instance = await placeOf(way.home.address, name);
      const ofHome = await instancesOf(way.home, name);
      expect(ofHome.map((of) => of.instance)).toContain(instance);
      expect(await placeOf(way.address, name)).toBe(instance);
    }
  });

  afterAll(() => way?.[Symbol.asyncDispose]());

  for (const column of columns) {
    const { service, protocol } = column;
    const cases = protocol === "WebSocket" ? socketCases : requestCases;
    for (const of of cases.filter(({ columns: carry }) => carry?.(column) !== false)) {
      it(
        `${service} over ${protocol}: ${of.name}; through ${wayName}`,
        () => of.run(benchOf(way.address, column)),
        CASE_TIMEOUT_MS,
      );
    }
  }

  it(`the processes of Lever stay small; through ${wayName}`, () => {
    for (const pid of way.pids) expect(peakMb(pid)).toBeLessThan(PEAK_MB_MAX);
  });
}

/** The instance that answers a request with the room. */
async function placeOf(address: string, service: string): Promise<string> {
  const path = `/${service}/place`;
  const answer = await sendRequest("HTTP/1.1", address, { path, headers: ROOM });
  const text = await answer.text();
  expect(answer.status, text).toBe(200);
  const { instance, resource } = JSON.parse(text);
  expect(resource).toBe(ROOM["x-room"]);
  return instance;
}

function benchOf(address: string, column: RequestColumn): RequestBench {
  const { service, protocol } = column;
  const send: RequestBench["send"] = (path, request = {}) =>
    sendRequest(protocol === "WebSocket" ? "HTTP/1.1" : protocol, address, {
      ...request,
      path: `/${service}${path}`,
      headers: { ...ROOM, ...request.headers },
    });
  return {
    ...column,
    send,
    counts: async () => JSON.parse(await (await send("/counts")).text()),
    dial(path) {
      const socket = new WebSocket(`ws://${address}/${service}${path}`, { headers: ROOM });
      socket.on("error", () => {});
      return socket;
    },
  };
}

/** The most memory that a process has had resident, in MB. */
function peakMb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1_024;
}

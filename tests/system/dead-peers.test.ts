// @module-tag needs-network-namespaces
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { adminOf, listInstances } from "../harness/admin.ts";
import { eventually } from "../harness/eventually.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { OtherMachine } from "../harness/other-machine.ts";
import { deployService, testService } from "../harness/test-service.ts";

const code = `
exports.silentChan = (stream) => { stream.write("here"); };
exports.tellingChan = async function* () { for (;;) { yield "here"; await new Promise((go) => setTimeout(go, 100)); } };
`;

let lever: RunningLever;
let other: OtherMachine;

/** Opens streams over every protocol, waits for the first message of each, and says so. */
const program = (host: string, port: string): string => `
process.on("uncaughtException", () => {});
const http = require("node:http"), http2 = require("node:http2"), net = require("node:net");
const origin = "http://${host}:${port}", query = "?forceenv=dev.lever";
const headers = { "content-type": "application/json" };
const open = {
  lines: (path, heard) => http.request(origin + path, { method: "POST", headers }, (response) => response.on("data", heard)).end("[]"),
  events: (path, heard) => http.request(origin + path, { headers: { accept: "text/event-stream" } }, (response) => response.on("data", heard)).end(),
  http2: (path, heard) => http2.connect(origin).request({ ":method": "POST", ":path": path, ...headers }).on("data", heard).end("[]"),
  webSocket(path, heard) {
    const socket = new WebSocket("ws://${host}:${port}" + path);
    socket.onopen = () => socket.send("[]");
    socket.onmessage = heard;
  },
};
const opened = Object.values(open).flatMap((call) => ["silentChan", "tellingChan"].map((method) =>
  new Promise((heard) => call("/svc/" + method + query, heard))));
Promise.all(opened).then(() => console.log(opened.length));
`;

beforeAll(async () => {
  other = new OtherMachine();
  lever = await startLever({
    args: [
      ...["--bind", other.hostAddress, "--allow-insecure-bind"],
      ...["--limit", "pingIntervalMs=1000"],
    ],
    workers: 1,
  });
});

afterAll(async () => {
  await lever?.stop();
  other[Symbol.dispose]();
});

/** Resolves when so many streams are open. */
const until = async (count: number): Promise<number> =>
  await eventually(
    async () => {
      const { instances } = await listInstances(lever, "svc");
      expect(instances[0]?.streamsInFlight).toBe(count);
      return count;
    },
    { everyMs: 100 },
  );

describe("a caller whose cable is pulled", () => {
  let opened: number;
  let inFlight: number | undefined;
  let open: number | undefined;

  beforeAll(async () => {
    await deployService(lever, testService(code, { name: "svc", maxInstances: 1 }));
    await adminOf(lever).invoke("setPublic", "dev.lever", true);
    const [host = "", port = ""] = lever.address.split(":");
    opened = Number(await other.run(program(host, port)));
    // All of them have been quiet for longer than the interval, and are still there.
    inFlight = await until(8);
    other.pullCable();
    open = await until(0);
  });

  it("streams over every protocol are open while their caller is there", () => {
    expect([opened, inFlight]).toEqual([8, 8]);
  });

  it("streams end over every protocol when their caller has vanished", () => {
    expect(open).toBe(0);
  });
});

import { once } from "node:events";
import { Client } from "leveros";
import { afterAll, beforeAll, expect, it } from "vitest";
import { WebSocket } from "ws";
import { callMethod, httpCall } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { deployService, testService } from "../harness/test-service.ts";

const code = `
  exports.kind = (value) => typeof value;
  exports.pid = () => process.pid;
  exports.kindChan = async (stream) => { for await (const message of stream) stream.write(typeof message); };
`;

let lever: RunningLever;
let pid: unknown;

const instance = async (): Promise<unknown> =>
  (await callMethod(lever.address, "/json/pid", [])).json();

beforeAll(async () => {
  lever = await startLever();
  // The default `ram`.
  await deployService(lever, testService(code, { name: "json" }));
  pid = await instance();
});

afterAll(() => lever.stop());

const BYTES = 4_190_000;
const nested = "is nested deeper than 10000 levels";
const many = "arrays and objects";

it.each([
  ["open arrays", "[".repeat(BYTES), nested],
  ["closed arrays", "[".repeat(BYTES / 2) + "]".repeat(BYTES / 2), nested],
  ["nested objects", '{"":'.repeat(BYTES / 4), nested],
  ["empty objects", `[${"{},".repeat(BYTES / 3)}0]`, many],
  ["shallow arrays", `[${`${"[".repeat(50)}${"]".repeat(50)},`.repeat(BYTES / 101)}0]`, many],
])("4 MB of %s are refused, and the instance goes on", async (_name, body, reason) => {
  const answer = await callMethod(lever.address, "/json/kind", body);
  expect(answer.status).toBe(400);
  expect(answer.json()).toMatchObject({
    code: "malformed_request",
    detail: expect.stringContaining(reason),
  });
  expect(await instance()).toBe(pid);
});

it("excessive JSON over a client link is refused", async () => {
  const client = new Client({ forceHost: lever.address });
  const service = client.service("dev.lever", "json");
  const objects = Array.from({ length: BYTES / 3 }, () => ({}));
  // The first call is made over HTTP.
  await expect(service.invoke("kind", 1)).resolves.toBe("number");
  await expect(service.invoke("kind", objects)).rejects.toMatchObject({
    code: "malformed_request",
  });
  expect(await instance()).toBe(pid);
});

it("an excessive message of a stream ends it with the reason", async () => {
  const answer = await httpCall(lever.address, "/json/kindChan?forceenv=dev.lever", {
    headers: { "content-type": "application/json" },
    body: `[]\n1\n${"[".repeat(BYTES)}\n`,
  });
  expect(answer.text).toMatch(/^"number"\n{"error":.*it is nested deeper than 10000 levels/);
  expect(await instance()).toBe(pid);
});

it("an excessive message of a WebSocket ends it with the reason", async () => {
  const socket = new WebSocket(`ws://${lever.address}/json/kindChan?forceenv=dev.lever`);
  await once(socket, "open");
  socket.send("[]");
  socket.send("[".repeat(BYTES));
  const [status, reason] = (await once(socket, "close")) as [number, Buffer];
  expect([status, String(reason)]).toEqual([4400, expect.stringContaining(nested)]);
  expect(await instance()).toBe(pid);
});

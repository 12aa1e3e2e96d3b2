import { once } from "node:events";
import { afterAll, beforeAll, expect, it } from "vitest";
import { WebSocket } from "ws";
import { adminOf, instancesOf } from "../harness/admin.ts";
import { eventually } from "../harness/eventually.ts";
import { httpProgram } from "../harness/http-program.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { type Protocol, type SiteRequest, sendRequest } from "../harness/site-client.ts";
import { deployService, testService } from "../harness/test-service.ts";

const OPEN_MAX = 8;
const WAITING_MAX = 2;
const LIMITS = {
  callTimeoutMs: 4_000,
  callsPerInstanceMax: OPEN_MAX,
  queuedCallsPerServiceMax: WAITING_MAX,
};

/** `/open` is answered and does not end, `/silent` is not answered, and the second instance does not start. */
const code = `
import { existsSync, writeFileSync } from "node:fs";
const marker = process.env.LEVEROS_DATA_DIR + "/started";
if (existsSync(marker)) throw new Error("the second start");
writeFileSync(marker, "");
export function fetch(request) {
  switch (new URL(request.url).pathname) {
    case "/open": return new Response(new ReadableStream({ start(body) { body.enqueue(new Uint8Array(1)); } }));
    case "/silent": return new Promise(() => {});
    case "/exit": return process.exit(3);
    default: return new Response("page");
  }
}`;

let lever: RunningLever;

beforeAll(async () => {
  const limits = Object.entries(LIMITS).flatMap(([name, max]) => ["--limit", `${name}=${max}`]);
  lever = await startLever({ args: limits });
  const one = { jsEntry: "server.mjs", maxInstances: 1 };
  await deployService(lever, testService({ "server.mjs": code }, { name: "web", ...one }));
}, 60_000);

afterAll(() => lever.stop());

const send = (path: string, request: Omit<SiteRequest, "path"> = {}, protocol?: Protocol) =>
  sendRequest(protocol ?? "HTTP/1.1", lever.address, { path: `/web${path}`, ...request });
const protocols: readonly Protocol[] = ["HTTP/1.1", "HTTP/2"];
const html = { headers: { accept: "text/html" } };

it("a request that its service does not answer, does not read, or that is not sent to its end, ends after callTimeoutMs", async () => {
  const asked: readonly (readonly [Omit<SiteRequest, "path">, number, string])[] = [
    [{}, 504, "deadline_exceeded"],
    [{ method: "POST", body: Buffer.alloc(5_000_000) }, 504, "deadline_exceeded"],
    [{ method: "POST", body: (stream) => void stream.write("a part") }, 408, "request_timeout"],
  ];
  const ends = asked.flatMap(([request, status, code]) =>
    protocols.map(async (protocol) => {
      const answer = await send("/silent", request, protocol);
      const problem = JSON.parse(await answer.text());
      expect([answer.status, problem.code]).toEqual([status, code]);
      expect(problem.call).toBe(answer.headers["lever-call"]);
      answer.leave();
    }),
  );
  await Promise.all(ends);
});

it.each(protocols)(
  "over %s, headers over headerBytesMax are answered with 431",
  async (protocol) => {
    const answer = await send("/", { headers: { "x-large": "x".repeat(17_000) } }, protocol);
    expect(answer.status).toBe(431);
    answer.leave();
  },
);

it("further requests than an instance may have wait for a place, as many as may wait, for callTimeoutMs", async () => {
  const open = await Promise.all(Array.from({ length: OPEN_MAX }, () => send("/open")));
  expect(open.map(({ status }) => status)).toEqual(Array(OPEN_MAX).fill(200));
  const [instance] = await instancesOf(lever, "web");
  expect(instance?.callsInFlight).toBe(OPEN_MAX);
  const [program, browser] = [send("/"), send("/", html)];
  await eventually(async () => {
    const { callsWaiting } = await adminOf(lever).invoke("getService", "dev.lever", "web");
    return callsWaiting === WAITING_MAX;
  });
  const refused = await send("/");
  expect(refused.status).toBe(503);
  expect(refused.headers["retry-after"]).toBe("1");
  expect(JSON.parse(await refused.text())).toMatchObject({ code: "overloaded" });
  const late = await program;
  const problem = JSON.parse(await late.text());
  expect([late.status, problem.code]).toEqual([504, "deadline_exceeded"]);
  expect(problem.detail).toContain("has not begun to within 4000 ms");
  expect(problem.call).toBe(late.headers["lever-call"]);
  const page = await browser;
  expect([page.status, page.headers["content-type"]]).toEqual([504, "text/html; charset=utf-8"]);
  expect(await page.text()).toContain(`<code>${page.headers["lever-call"]}</code>`);
  const next = send("/");
  open[0]?.leave();
  const served = await next;
  expect([served.status, await served.text()]).toEqual([200, "page"]);
  for (const answer of open) answer.leave();
});

it("open requests and WebSockets are the load of their instances", async () => {
  const http = ["node", "server.mjs"];
  const fields = { name: "loaded", http, maxInstanceLoad: 1, maxInstances: 2 };
  await deployService(lever, testService({ "server.mjs": httpProgram }, fields));
  const body = (stream: NodeJS.WritableStream): void => void stream.write("a part");
  const echo = { path: "/loaded/echo", method: "POST", body };
  const request = await sendRequest("HTTP/1.1", lever.address, echo);
  const socket = new WebSocket(`ws://${lever.address}/loaded/live`);
  await once(socket, "open");
  await eventually(async () => {
    const instances = await instancesOf(lever, "loaded");
    const ready = instances.filter(({ state }) => state === "ready");
    const load = instances.reduce((sum, { callsInFlight }) => sum + callsInFlight, 0);
    return ready.length === 2 && load === 2;
  });
  request.leave();
  socket.terminate();
});

it("an instance that exits, and one that does not start, are answered with 502 and the reason", async () => {
  const exited = await send("/exit");
  expect(exited.status).toBe(502);
  expect(JSON.parse(await exited.text())).toMatchObject({
    code: "instance_failed",
    detail: expect.stringContaining("exited with status 3"),
  });
  const unstarted = await send("/");
  expect(unstarted.status).toBe(502);
  expect(JSON.parse(await unstarted.text())).toMatchObject({
    code: "start_failed",
    detail: expect.stringContaining("the second start"),
  });
});

import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";
import type { CallRecord, CallTrace, LeverError } from "@leveros/protocol";
import { Client } from "leveros";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../harness/eventually.ts";
import { callMethod, httpCall } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { spawnLever } from "../harness/run-lever.ts";
import { deployService, testService } from "../harness/test-service.ts";

const shop = `
const { Client, callContext } = require("leveros");
const client = new Client();
let go;
exports.hello = (name) => name;
exports.traced = async () => [callContext().traceparent, await client.invokeURL("/pay/traced")];
exports.checkout = async () => { await client.invokeURL("/pay/check"); return client.invokeURL("/pay/charge", 1); };
exports.holds = () => new Promise((resolve) => { go = resolve; });
exports.go = () => go("done");
exports.rest = () => new Promise((resolve) => setTimeout(resolve, 150));
`;
const pay = `
exports.check = () => 1;
exports.traced = () => require("leveros").callContext().traceparent;
exports.charge = () => { throw new TypeError('cannot read "total"'); };
`;

/** Records spans by OpenTelemetry's API, which it has installed. */
const books = `
import { SpanStatusCode, trace } from "@opentelemetry/api";
import { callContext, Client } from "leveros";
const tracer = trace.getTracer("books-tracer");
const client = new Client();
export async function order(title) {
  trace.getActiveSpan().setAttribute("customer", "ada");
  return await tracer.startActiveSpan("find book", { attributes: { title } }, async (span) => {
    await client.invokeURL("/pay/check");
    const { traceparent } = callContext();
    span.end();
    return traceparent;
  });
}
export async function lose() {
  const span = tracer.startSpan("search");
  span.setStatus({ code: SpanStatusCode.ERROR, message: "no such book" });
  span.end();
  throw new Error("lost");
}
`;

/** The files of an installed package that run, as a service has them. */
function packageFiles(name: string): Record<string, Buffer> {
  const dir = join(import.meta.dirname, "../../node_modules", name);
  const paths = readdirSync(dir, { recursive: true, encoding: "utf8" });
  return Object.fromEntries(
    paths
      .filter((path) => /\.(?:[cm]?js|json)$/.test(path))
      .map((path) => [`node_modules/${name}/${path}`, readFileSync(join(dir, path))]),
  );
}

const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
let lever: RunningLever;

/** Spans that the host has sent, by OpenTelemetry's protocol. */
const spans: {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly attributes: readonly object[];
}[] = [];
const collector = createServer(async (request, response) => {
  const sent = JSON.parse(String(gunzipSync(await buffer(request)))) as {
    resourceSpans: { scopeSpans: { spans: typeof spans }[] }[];
  };
  for (const { scopeSpans } of sent.resourceSpans) {
    for (const scope of scopeSpans) spans.push(...scope.spans);
  }
  response.end("{}");
});
const dataDir = mkdtempSync(join(tmpdir(), "lever-calls-"));

beforeAll(async () => {
  collector.listen(0, "127.0.0.1");
  await once(collector, "listening");
  const { port } = collector.address() as AddressInfo;
  lever = await startLever({
    dataDir,
    args: ["--limit", "traceSampledEach=0", "--otlp", `http://127.0.0.1:${port}`],
  });
  await deployService(lever, testService(shop, { name: "shop" }));
  await deployService(lever, testService(pay, { name: "pay" }));
  const files = { "server.mjs": books, ...packageFiles("@opentelemetry/api") };
  const fields = { name: "books", jsEntry: "server.mjs" };
  await deployService(lever, testService(files, fields));
});

afterAll(async () => {
  await lever.stop();
  collector.close();
  rmSync(dataDir, { recursive: true, force: true });
});

async function calls(...args: string[]): Promise<CallRecord[]> {
  const run = await lever.lever(["calls", ...args, "--json"]);
  expect(run).toMatchObject({ status: 0, stderr: "" });
  return run.stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as CallRecord);
}

describe("calls and traces", () => {
  let id: string;
  let spannedId: string;

  beforeAll(async () => {
    await callMethod(lever.address, "/shop/hello", ["x"]);
    id = String((await callMethod(lever.address, "/shop/checkout", [])).headers["lever-call"]);
  });

  it("the trace of a failed call shows what it called, and which call failed", async () => {
    const run = await lever.lever(["trace", id]);
    expect(run.status).toBe(0);
    expect(run.stdout).toMatch(new RegExp(`^${id}  3 calls, .*, 2 failed`));
    const order = ["shop/checkout", "pay/check", "pay/charge", 'cannot read "total"'];
    expect(run.stdout).toMatch(new RegExp(order.join("[^]*")));
  });

  it("failed calls are listed, each with its caller", async () => {
    const failed = await calls("--errors");
    expect(failed).toMatchObject([
      { id, service: "shop", method: "checkout", outcome: "method_failed", version: 1 },
      { service: "pay", method: "charge", outcome: "method_failed", parent: id, caller: "shop" },
    ]);
  });

  it("the calls of one service are listed", async () => {
    const methods = (await calls("pay")).map(({ method }) => method);
    expect(methods).toEqual(["check", "charge"]);
  });

  it("a call is listed with the service that called, also one that is not kept", async () => {
    const callers = (await calls("pay")).map(({ caller }) => caller);
    expect(callers).toEqual(["shop", "shop"]);
    const { stdout } = await lever.lever(["calls", "pay"]);
    expect(stdout).toMatch(/^TIME .* CALLER .*\n.* pay\/check .* shop +pay-1-\w+\n/);
  });

  it("the error of a method names its call, also over the client's link", async () => {
    const service = new Client({ forceHost: lever.address }).service("dev.lever", "pay");
    const named = async (): Promise<unknown> =>
      await service.invoke("charge").catch((error: LeverError) => error.call);
    // The client opens a link for calls after the first one.
    const ids: unknown[] = [];
    for (let i = 0; i < 5; i++) ids.push(await named());
    const listed = (await calls("pay")).slice(-5).map((call) => call.id);
    expect(ids).toEqual(listed);
  });

  it("calls that took longer than a time are listed", async () => {
    await callMethod(lever.address, "/shop/rest", []);
    const slow = await calls("--slower", "100ms");
    expect(slow.map(({ method }) => method)).toContain("rest");
    for (const { ms } of slow) expect(ms).toBeGreaterThan(100);
    expect(await calls("--slower", "1h")).toEqual([]);
  });

  it("calls that are followed are printed as they end, with those that are wanted", async () => {
    const following = spawnLever(["calls", "pay", "--errors", "--follow"], {
      env: { LEVEROS_IP_PORT: lever.address },
    });
    let printed = "";
    following.stdout.on("data", (chunk) => {
      printed += String(chunk);
    });
    await eventually(async () => {
      await callMethod(lever.address, "/shop/checkout", []);
      return printed.includes("charge");
    });
    following.kill();
    await once(following, "close");
    const [head, ...rows] = printed.trimEnd().split("\n");
    expect(head).toMatch(/^TIME +CALL +METHOD +TOOK/);
    for (const row of rows) expect(row).toMatch(/ pay\/charge .* method_failed .* shop /);
  });

  it("a call that runs is listed until it ends", async () => {
    const answer = callMethod(lever.address, "/shop/holds", []);
    await eventually(async () => (await calls("--running", "shop")).length === 1);
    const [running] = await calls("--running");
    expect(running).toMatchObject({ service: "shop", method: "holds", outcome: "running" });
    await callMethod(lever.address, "/shop/go", []);
    expect((await answer).text).toBe('"done"');
    expect(await calls("--running")).toEqual([]);
  });

  it("a trace that began outside goes on through calls between services", async () => {
    const headers = {
      "content-type": "application/json",
      traceparent: `00-${TRACE_ID}-00f067aa0ba902b7-01`,
    };
    const path = "/shop/traced?forceenv=dev.lever";
    const answer = await httpCall(lever.address, path, { headers, body: "[]" });
    expect(answer.headers["lever-call"]).toBeDefined();
    const parents = answer.json() as string[];
    for (const parent of parents) {
      expect(parent).toMatch(new RegExp(`^00-${TRACE_ID}-[0-9a-f]{16}-01$`));
    }
    expect(new Set(parents).size).toBe(2);
    const run = await lever.lever(["trace", TRACE_ID]);
    expect(run.stdout).toMatch(/shop\/traced.*pay\/traced/s);
  });

  it("spans that a service records are in the trace of its call", async () => {
    const headers = { "content-type": "application/json", "lever-trace": "1" };
    const path = "/books/order?forceenv=dev.lever";
    const answer = await httpCall(lever.address, path, { headers, body: '["Emma"]' });
    spannedId = String(answer.headers["lever-call"]);
    const shown = await lever.lever(["trace", spannedId]);
    const order = ["^books/order ", "^ +customer=ada$", "^  find book ", "^ +title=Emma$"];
    expect(shown.stdout).toMatch(new RegExp([...order, "^    pay/check "].join("[^]*"), "m"));
    const { stdout } = await lever.lever(["trace", spannedId, "--json"]);
    const [call, check] = (JSON.parse(stdout) as CallTrace).calls;
    const span = call?.spans?.find(({ name }) => name === "find book");
    expect(answer.text).toContain(span?.id);
    expect(check).toMatchObject({ method: "check", parentSpan: span?.id });
    expect(span).toMatchObject({ parent: call?.span, scope: "books-tracer" });
    expect(span?.startMs).toBeGreaterThanOrEqual(0);
    expect((span?.startMs ?? 0) + (span?.ms ?? 0)).toBeLessThanOrEqual(call?.ms ?? 0);
  });

  it("the trace of a call that failed has its spans, although nobody asked for it", async () => {
    const answer = await callMethod(lever.address, "/books/lose", []);
    const { stdout } = await lever.lever(["trace", String(answer.headers["lever-call"])]);
    expect(stdout).toMatch(/^books\/lose .*^ {2}search .*^ +✗ no such book$/ms);
  });

  it.each([
    ["a CPU profile", ["--seconds", "1"], "nodes"],
    ["a heap snapshot", ["--heap"], "snapshot"],
  ])("%s of an instance is written to a file", async (_name, args, field) => {
    await callMethod(lever.address, "/shop/hello", [1]);
    const file = join(dataDir, "profile.json");
    const run = await lever.lever(["profile", "shop", "--output", file, ...args]);
    expect(run).toMatchObject({ status: 0, stderr: "" });
    expect(JSON.parse(readFileSync(file, "utf8"))).toHaveProperty(field);
  });

  it("an unknown call, and a text that is no id, are refused with the reason", async () => {
    const unknown = await lever.lever(["trace", "zzz-zzz"]);
    expect([unknown.status, unknown.stderr]).toEqual([3, expect.stringContaining("has no call")]);
    const malformed = await lever.lever(["trace", "x"]);
    expect(malformed.stderr).toContain("neither the id of a call");
  });

  it("kept traces are shown after a restart", async () => {
    await lever.stop();
    lever = await startLever({ dataDir });
    const trace = async (of: unknown): Promise<CallTrace | undefined> => {
      const run = await lever.lever(["trace", String(of), "--json"]);
      return run.status === 0 ? (JSON.parse(run.stdout) as CallTrace) : undefined;
    };
    expect((await trace(id))?.calls.map(({ method }) => method)).toEqual([
      "checkout",
      "check",
      "charge",
    ]);
    expect((await trace(spannedId))?.calls[0]?.spans).toHaveLength(2);
  });

  it("what the host keeps is sent to the collector, at the latest when it stops", () => {
    const shop = spans.find(({ name }) => name === "shop/traced");
    expect(shop).toMatchObject({ traceId: TRACE_ID, parentSpanId: "00f067aa0ba902b7" });
    expect(spans.map(({ name }) => name)).toContain("pay/charge");
    const order = spans.find(({ name }) => name === "books/order");
    const find = spans.find(({ name }) => name === "find book");
    expect(find?.parentSpanId).toBe(order?.spanId);
    expect(order?.attributes).toContainEqual({ key: "customer", value: { stringValue: "ada" } });
    expect(spans).toContainEqual(
      expect.objectContaining({ name: "pay/check", parentSpanId: find?.spanId }),
    );
  });
});

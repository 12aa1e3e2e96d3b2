import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { Right, StatsReport } from "@leveros/protocol";
import { Client } from "leveros";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { adminOf } from "../harness/admin.ts";
import { eventually } from "../harness/eventually.ts";
import { callMethod, type HttpAnswer, httpCall } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { Caller } from "../harness/load.ts";
import { MANY, manyName, putManyServices } from "../harness/many-services.ts";
import { promtool, startPrometheus } from "../harness/prometheus.ts";
import { deployService, testService } from "../harness/test-service.ts";
import { workersOf } from "../harness/worker-processes.ts";

const code = `
exports.work = async (ms) => { await new Promise((done) => setTimeout(done, ms)); return ms; };
exports.fail = async () => { throw new Error("no"); };
exports.say = (text) => console.log(text);
exports.die = async () => process.exit(3);
exports.echoChan = async (stream) => { for await (const message of stream) stream.write(message); };
`;

/** Services that the host has besides. */
const MANY_SERVICES = 10_000;
const SERIES_MAX = 300;
/** Calls to as many of these services: more than have series of their own. */
const MANY_CALLS = 400;
/** A call with more bytes may not wait for an instance, so it starts none. */
const WAITING_BYTES_MAX = 4_000;
const LIMITS = [
  `metricSeriesMax=${SERIES_MAX}`,
  `queuedBytesPerServiceMax=${WAITING_BYTES_MAX}`,
].flatMap((limit) => ["--limit", limit]);

const dataDir = mkdtempSync(join(tmpdir(), "lever-metrics-"));
let lever: RunningLever;

beforeAll(async () => {
  await putManyServices(dataDir, MANY_SERVICES);
  lever = await startLever({ workers: 2, dataDir, args: LIMITS });
  await deployService(lever, testService(code, { name: "shop" }));
});

afterAll(async () => {
  await lever.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

/** Each request has a connection of its own, so it may arrive at either worker. */
function scrape(path = "/-/metrics", headers: Record<string, string> = {}): Promise<HttpAnswer> {
  return httpCall(lever.address, path, { method: "GET", headers });
}

/** Calls many services. The calls are refused: none has an instance. */
async function callMany(): Promise<void> {
  using caller = new Caller(lever.address);
  const args = ["x".repeat(WAITING_BYTES_MAX)];
  let next = 0;
  const callInTurn = async (): Promise<void> => {
    while (next < MANY_CALLS) await caller.call(`/${manyName(next++)}/work`, args, MANY);
  };
  await Promise.all(Array.from({ length: 10 }, callInTurn));
}

/** The value of a series, or the sum of those that begin alike; NaN = there is none. */
function sumOf(text: string, series: string): number {
  const values = text
    .split("\n")
    .filter((line) => line.startsWith(series))
    .map((line) => Number(line.slice(line.lastIndexOf(" ") + 1)));
  return values.length === 0 ? Number.NaN : values.reduce((sum, value) => sum + value, 0);
}

const DOCS = join(import.meta.dirname, "../../docs");
const ALERTS = join(DOCS, "guide/prometheus/alerts.yml");
const needsPrometheus = { tags: ["needs-prometheus"] };

/** The expressions of the dashboard, for all services. */
function dashboardExpressions(): string[] {
  const text = readFileSync(join(DOCS, "guide/grafana/lever.json"), "utf8");
  const { panels } = JSON.parse(text) as { panels: { targets: { expr: string }[] }[] };
  return panels.flatMap(({ targets }) =>
    targets.map(({ expr }) =>
      expr
        .replaceAll("$__rate_interval", "1m")
        .replaceAll("$environment", ".*")
        .replaceAll("$service", ".*"),
    ),
  );
}

/** The expressions of the page on monitoring. */
function guideExpressions(): string[] {
  const page = readFileSync(join(DOCS, "guide/monitoring.md"), "utf8");
  const [, block = ""] = /^```promql\n(.*?)^```$/ms.exec(page) ?? [];
  return block.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

const shop = 'environment="dev.lever",service="shop"';

describe("the metrics of a host with two workers", () => {
  it("the sums of both workers' scrapes are the calls that were made", async () => {
    const calls = [
      ...Array.from({ length: 30 }, () => callMethod(lever.address, "/shop/work", [1])),
      ...Array.from({ length: 3 }, () => callMethod(lever.address, "/shop/fail", [])),
    ];
    await Promise.all(calls);
    await callMethod(lever.address, "/shop/die", []);
    const client = new Client({ forceHost: lever.address });
    const stream = await client.service("dev.lever", "shop").invokeChan("echoChan");
    for (let index = 0; index < 5; index++) stream.write(index);
    stream.end();
    for await (const _ of stream);
    for (let index = 0; index < 6; index++) {
      const { status, text } = await scrape();
      expect(status).toBe(200);
      const work = `lever_calls_total{${shop},method="work"`;
      expect(sumOf(text, work)).toBe(30);
      expect(sumOf(text, `lever_calls_total{${shop},method="fail",outcome="error"}`)).toBe(3);
      expect(sumOf(text, `lever_calls_total{${shop}`)).toBe(35);
      expect(sumOf(text, `lever_call_duration_seconds_count{${shop}`)).toBe(34);
      expect(sumOf(text, `lever_stream_duration_seconds_count{${shop}`)).toBe(1);
      expect(sumOf(text, `lever_stream_messages_total{${shop},direction="in"}`)).toBe(5);
      expect(sumOf(text, `lever_calls_in_flight{${shop}}`)).toBe(0);
      expect(sumOf(text, "lever_workers")).toBe(2);
    }
  });

  it("lever stats and lever ls show the same calls, by service and by method", async () => {
    const { stdout } = await lever.lever(["stats", "shop", "--json"]);
    const [service] = (JSON.parse(stdout) as StatsReport).services;
    const methods = new Map(service?.methods.map((method) => [method.method, method]));
    expect(methods.get("work")).toMatchObject({ calls: 30, errors: 0 });
    expect(methods.get("fail")).toMatchObject({ calls: 3, errors: 3 });
    expect(service?.callsPerSecond).toBeGreaterThan(0);
    expect(service?.p99Ms).toBeGreaterThan(0);
    expect((await lever.lever(["stats"])).stdout).toMatch(/^shop +[\d.]+ +[\d.]+ %/m);
    expect((await lever.lever(["stats", "--all"])).stdout).toMatch(/^CALLS\/S +ERRORS/);
    expect((await lever.lever(["ls"])).stdout).toMatch(/^SERVICE .* CALLS\/S +ERRORS +P99/);
  });

  it("instances are counted with their starts, exits, memory and processor time", async () => {
    const { text } = await scrape();
    expect(sumOf(text, `lever_instance_exits_total{${shop},reason="crash"}`)).toBe(1);
    expect(sumOf(text, `lever_instance_starts_total{${shop}`)).toBeGreaterThan(0);
    await callMethod(lever.address, "/shop/work", [1]);
    await eventually(async () => {
      const now = (await scrape()).text;
      const memory = sumOf(now, `lever_service_memory_bytes{${shop}}`);
      return memory > 1e6 && sumOf(now, `lever_service_cpu_seconds_total{${shop}}`) > 0;
    });
    expect(sumOf(text, 'lever_deploys_total{environment="dev.lever",result="live"}')).toBe(1);
  });

  it("logs, links and pings are counted, and single instances on request", async () => {
    const ofInstances = /^lever_instance_(?:memory_bytes|age_seconds)\{.*instance="shop-1-/gm;
    const before = (await scrape()).text;
    expect(before).not.toMatch(ofInstances);
    await callMethod(lever.address, "/shop/say", ["x".repeat(1_000)]);
    await eventually(async () => {
      const { text } = await scrape("/-/metrics?instances=1");
      expect(text.match(ofInstances)?.length).toBeGreaterThanOrEqual(2);
      const link = 'lever_link_bytes_total{way="socket",direction="in"}';
      expect(sumOf(text, link) - sumOf(before, link)).toBeGreaterThan(1_000);
      const isPinged = sumOf(text, "lever_instance_ping_seconds_count") > 0;
      return isPinged && sumOf(text, `lever_log_bytes_total{${shop}}`) >= 1_000;
    });
  });

  it("a worker's counts are continued by the one that replaces it", async () => {
    await httpCall(lever.address, "/shop/nothing?forceenv=dev.lever", { body: "[]" });
    await httpCall(lever.address, "/shop/work?forceenv=no.lever", { body: "[]" });
    const refusals = async (): Promise<boolean> => {
      const { text } = await scrape();
      return (
        sumOf(text, 'lever_refusals_total{code="unknown_method"}') === 1 &&
        sumOf(text, 'lever_refusals_total{code="unknown_environment"}') === 1 &&
        sumOf(text, "lever_gateway_requests_total{") > 30
      );
    };
    await eventually(refusals);
    for (const pid of workersOf(lever.pid)) process.kill(pid, "SIGKILL");
    await lever.event("worker started");
    await eventually(async () => await scrape().then(refusals, () => false));
    const { text } = await scrape();
    expect(sumOf(text, "lever_worker_exits_total")).toBe(2);
    expect(sumOf(text, `lever_calls_total{${shop},method="fail"`)).toBe(3);
  });

  it("OpenMetrics, gzip and one environment are given to callers that ask for them", async () => {
    const sampled = { "content-type": "application/json", "lever-trace": "1" };
    await httpCall(lever.address, "/shop/work?forceenv=dev.lever", {
      headers: sampled,
      body: "[1]",
    });
    const open = await scrape("/-/metrics?environment=dev.lever", {
      accept: "application/openmetrics-text; version=1.0.0",
      "accept-encoding": "gzip",
    });
    expect(open.headers).toMatchObject({
      "content-type": "application/openmetrics-text; version=1.0.0; charset=utf-8",
      "content-encoding": "gzip",
    });
    const text = gunzipSync(open.body).toString();
    expect(text).toContain("\n# TYPE lever_call_bytes counter\n");
    expect(text).toMatch(
      /^lever_call_duration_seconds_bucket\{.*\} \d+ # \{trace_id="[0-9a-f]{32}"\}/m,
    );
    expect(text).toMatch(/# EOF\n$/);
    expect(text).not.toContain("admin.lever");
    expect((await scrape("/-/metrics?environment=no.lever")).status).toBe(404);
  });

  it("pages and foreign host names do not get the metrics", async () => {
    expect((await scrape("/-/metrics", { origin: "http://evil.example" })).status).toBe(403);
    expect((await scrape("/-/metrics", { host: "evil.example" })).status).toBe(403);
  });

  it(
    "Prometheus scrapes a host with 10,000 services, and finds the calls made",
    needsPrometheus,
    async () => {
      await callMany();
      await using prometheus = await startPrometheus({ target: lever.address, rules: ALERTS });
      const sumNow = async (metric: string): Promise<number | undefined> =>
        [...(await prometheus.query(`sum(${metric}{${shop},method="fail"})`)).values()][0];
      await eventually(async () => (await sumNow("lever_calls_total")) === 3);
      expect(await sumNow("lever_call_duration_seconds_count")).toBe(3);
      for (const metric of ["lever_calls_total", "lever_call_duration_seconds_count"]) {
        const sums = await prometheus.query(`sum(${metric}{environment="${MANY}"})`);
        expect([...sums.values()]).toEqual([MANY_CALLS]);
      }
      const others = `lever_calls_total{environment="${MANY}",service="_other"}`;
      expect(await prometheus.query(`sum(${others}) > 0`)).toHaveProperty("size", 1);
      expect(await prometheus.query('up{job="lever"} == 1')).toHaveProperty("size", 1);
      // The dashboard's expressions can be evaluated, and those with a sum of calls have a value.
      expect(guideExpressions()).not.toEqual([]);
      for (const expression of [...dashboardExpressions(), ...guideExpressions()]) {
        await prometheus.query(expression);
      }
      const [calls = ""] = dashboardExpressions();
      await eventually(async () => (await prometheus.query(calls)).size === 1);
      expect(await prometheus.query('ALERTS{alertstate="firing"}')).toHaveProperty("size", 0);
    },
  );

  it("promtool finds no fault in the metrics and the alert rules", needsPrometheus, async () => {
    promtool(["check", "metrics"], (await scrape()).text);
    promtool(["check", "rules", ALERTS]);
  });

  it("the dashboard and the alert rules use metrics that there are", () => {
    const metrics = new Set(
      [...readFileSync(`${DOCS}/reference/metrics.md`, "utf8").matchAll(/^\| `(\w+)`/gm)].map(
        ([, name = ""]) => name,
      ),
    );
    const texts = [readFileSync(ALERTS, "utf8"), ...dashboardExpressions()];
    const used = texts.flatMap((text) => text.match(/\b(?:lever|process)_\w+/g) ?? []);
    const unknown = used.filter((name) => !metrics.has(name.replace(/_(?:bucket|sum|count)$/, "")));
    expect(used.length).toBeGreaterThan(30);
    expect(unknown).toEqual([]);
  });

  it("once there are tokens, the right look is needed", async () => {
    const master = await adminOf(lever).invoke("createToken", {
      environments: ["*"],
      rights: ["admin"],
    });
    const create = async (environment: string, right: Right): Promise<Record<string, string>> => {
      const options = { environments: [environment], rights: [right] };
      const { token } = await adminOf(lever, master.token).invoke("createToken", options);
      return { authorization: `Bearer ${token}` };
    };
    const look = await create("*", "look");
    const lookInDev = await create("dev.lever", "look");
    const invoke = await create("*", "invoke");
    const statusOf = async (headers: Record<string, string>, query = ""): Promise<number> =>
      (await scrape(`/-/metrics${query}`, headers)).status;
    expect(await statusOf({})).toBe(401);
    expect(await statusOf(invoke)).toBe(403);
    expect(await statusOf(look)).toBe(200);
    expect(await statusOf(lookInDev)).toBe(403);
    expect(await statusOf(lookInDev, "?environment=dev.lever")).toBe(200);
    expect(await statusOf(lookInDev, "?environment=other.lever")).toBe(403);
  });
});

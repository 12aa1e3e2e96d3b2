import type { HostStats, ServiceStats, StatsPoint, StatsReport } from "@leveros/protocol";
import { expect, it } from "vitest";
import { answerJson, startFakeHost } from "../../../../../tests/harness/fake-host.ts";
import { runLever } from "../../../../../tests/harness/run-lever.ts";
import { formatHostStats, formatServiceStats, formatStats } from "./format-stats.ts";

const at = "2026-03-01T12:00:00.000Z";
const to = Date.parse(at);
const hour = { from: to - 3_600_000, to };

const point: StatsPoint = {
  at,
  calls: 1_950,
  errors: 4,
  p50Ms: 3,
  p95Ms: 21.5,
  p99Ms: 30,
  callsWaiting: 0,
  instances: 2,
  memoryBytes: 61_000_000,
  cpu: 0.12,
};
const earlier = { ...point, at: "2026-03-01T11:30:00.000Z", memoryBytes: 12_000_000 };

const traffic = {
  callsPerSecond: 32.5,
  errorsPerSecond: 0.065,
  p50Ms: 3.1,
  p95Ms: 21.5,
  p99Ms: 30,
};
const none = { callsPerSecond: 0, errorsPerSecond: 0, p50Ms: null, p95Ms: null, p99Ms: null };

const shop: ServiceStats = {
  ...traffic,
  service: "shop",
  callsInFlight: 1,
  streamsOpen: 0,
  callsWaiting: 0,
  instances: 2,
  memoryBytes: 61_000_000,
  cpuSeconds: 8,
  methods: [
    { method: "list", ...none, calls: 7, errors: 0 },
    { method: "checkout", ...traffic, calls: 19_000, errors: 40 },
  ],
  history: [earlier, point],
};
const idle: ServiceStats = {
  ...shop,
  ...none,
  service: "idle",
  instances: 0,
  memoryBytes: 0,
  history: [],
};
const report = (services: readonly ServiceStats[]): StatsReport => ({
  at,
  windowMs: 45_000,
  services,
});

it("a service is a line with its rates, percentiles and bars", () => {
  expect(formatStats(report([idle, shop]), hour)).toBe(
    `SERVICE  CALLS/S  ERRORS  P50     P95    P99    WAITING  INSTANCES  MEMORY  CPU   LAST 60 MIN
shop     33       0.2 %   3.1 ms  22 ms  30 ms  0        2          61 MB   12 %  ▁▁▁▁▁▁▁▁▁▁█▁▁▁▁▁▁▁▁█
idle     0                                      0        0          0 B           ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁`,
  );
});

it("the details of a service are its methods, and what it took then and now", () => {
  const text = formatServiceStats(shop, hour);
  expect(text).toMatch(
    /^shop: 1 call in flight, 0 streams open, 0 calls waiting, 2 instances with 61 MB/,
  );
  expect(text).toMatch(/^checkout +33 +0\.2 % +3\.1 ms +22 ms +30 ms +19000 +40$/m);
  expect(text.indexOf("checkout")).toBeLessThan(text.indexOf("list"));
  expect(text).toMatch(/^memory +▁+▃?▂?▁+█ +12 MB +61 MB +61 MB$/m);
});

it("a service without a history says so", () => {
  expect(formatServiceStats({ ...idle, methods: [] }, hour)).toMatch(
    /It was not called since the host started\.\n\nNo history within the last 60 MIN\.$/,
  );
});

it("the whole host has its rates and its history", () => {
  const host: HostStats = {
    ...traffic,
    at,
    windowMs: 1,
    memoryBytes: 9e7,
    cpuSeconds: 3,
    history: [point],
  };
  const text = formatHostStats(host, { from: to - 86_400_000, to });
  expect(text).toMatch(/^33 +0\.2 % +3\.1 ms +22 ms +30 ms +90 MB +12 %$/m);
  expect(text).toMatch(/^LAST 24 H /m);
});

it.each<[readonly string[], string, string]>([
  [["stats", "--json"], "/admin/listStats", '["dev.lever",null,{"minutes":60},{"report":true}]'],
  [
    ["stats", "shop", "--since", "1d", "--json"],
    "/admin/listStats",
    '["dev.lever","shop",{"minutes":1440},{"report":true}]',
  ],
  [
    ["stats", "--all", "--since", "5m", "--json"],
    "/admin/hostStats",
    '[{"minutes":5},{"report":true}]',
  ],
])("lever %j calls %s", async (args, url, body) => {
  await using host = await startFakeHost((response) => answerJson(response, report([shop])));
  const run = await runLever(args, { env: { LEVEROS_IP_PORT: host.address } });
  expect(run).toMatchObject({ status: 0, stderr: "" });
  expect(JSON.parse(run.stdout)).toEqual(report([shop]));
  expect(host.requests[0]?.url).toBe(url);
  expect(host.requests[0]?.body.toString()).toBe(body);
});

it("with nothing to show, a note says so", async () => {
  await using host = await startFakeHost((response) => answerJson(response, report([])));
  const run = await runLever(["stats"], { env: { LEVEROS_IP_PORT: host.address } });
  expect(run).toMatchObject({
    status: 0,
    stdout: "",
    stderr: "There is nothing to show in dev.lever yet.\n",
  });
});

import { expect, it } from "vitest";
import type { HostFacts } from "./host-facts.ts";
import { hostWarnings, isHostWarning } from "./host-warnings.ts";

const now = Date.parse("2026-03-01T12:00:00Z");
const healthy: HostFacts = {
  version: "1",
  node: "24",
  machine: "m",
  pid: 1,
  startedAt: "2026-03-01T10:00:00Z",
  notReady: null,
  bind: "127.0.0.1",
  port: 8080,
  tls: false,
  workers: { wanted: 2, running: 2 },
  isolation: "oci",
  isolationReason: undefined,
  sharedUserReason: undefined,
  certificateEndsAt: undefined,
  firstTokenCommand: undefined,
  disk: { dataDir: "/data", freeBytes: 50e9, totalBytes: 100e9 },
  database: { bytes: 1, copiedAt: null },
};
const event = { level: "warn", part: "store", event: "store copy failed", reason: "No." } as const;
const nothing = { failing: [], events: [], now };

it("a healthy host has no warnings", () => {
  expect(hostWarnings(healthy, nothing)).toEqual([]);
});

it.each<[string, Partial<HostFacts>]>([
  ["The disk of /data has 0.5 GB left.", { disk: { ...healthy.disk, freeBytes: 0.5e9 } }],
  ["The disk of /data has 4.0 GB left.", { disk: { ...healthy.disk, freeBytes: 4e9 } }],
  ["Create the first one with: lever token create", { firstTokenCommand: "lever token create" }],
  ["1 of 2 workers accept connections.", { workers: { wanted: 2, running: 1 } }],
  ["Instances run as processes, which does not protect", { isolationReason: "No runc." }],
  ["All services run as the same user as Lever: it is so.", { sharedUserReason: "it is so" }],
  ["The certificate ends at 2026-03-02T12:00:00.000Z.", { certificateEndsAt: now + 86_400_000 }],
])("a host is warned of: %s", (text, facts) => {
  const warnings = hostWarnings({ ...healthy, ...facts }, nothing);
  expect(warnings).toEqual([expect.stringContaining(text)]);
});

it("services that fail are named, the first five of them", () => {
  const failing = ["a", "b", "c", "d", "e", "f", "g"];
  expect(hostWarnings(healthy, { ...nothing, failing })).toEqual([
    "Instances fail one after the other: a, b, c, d, e and 2 more. See: lever ls",
  ]);
});

it("a recent event that says what does not work is a warning, once", () => {
  expect(isHostWarning(event)).toBe(true);
  expect(isHostWarning({ event: "instance failed" })).toBe(false);
  const events = [event, event].map((of) => ({ ...of, at: "2026-03-01T11:30:00Z" }));
  expect(hostWarnings(healthy, { ...nothing, events })).toEqual([
    "The copy of the database could not be made. No.",
  ]);
});

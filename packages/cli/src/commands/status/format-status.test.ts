import type { HostStatus } from "@leveros/protocol";
import { expect, it } from "vitest";
import { formatStatus } from "./format-status.ts";

const now = Date.parse("2026-03-01T12:00:00Z");
const status: HostStatus = {
  version: "0.1.0",
  node: "24.1.0",
  machine: "box",
  pid: 7,
  startedAt: "2026-03-01T10:00:00Z",
  uptimeMs: 7_200_000,
  notReady: null,
  bind: "127.0.0.1",
  port: 8080,
  tls: false,
  workers: { wanted: 1, running: 1 },
  isolation: "process",
  environments: 1,
  services: 3,
  instances: 2,
  memory: { hostBytes: 90e6, ramReserved: 256, ramMax: 8_000 },
  disk: { dataDir: "/data", freeBytes: 40e9, totalBytes: 100e9 },
  database: { bytes: 120e3, copiedAt: null },
  warnings: [],
};

it("the status of a host is a line for each fact", () => {
  expect(formatStatus(status, now)).toBe(
    `state      ready
host       Lever 0.1.0 on box, pid 7, Node 24.1.0
up         2h, at http://127.0.0.1:8080
isolation  processes
services   3 in 1 environment, with 2 instances
memory     90 MB of the host, 256 MB of 8.0 GB reserved for instances
disk       40 GB of 100 GB free for /data
database   120 kB, no copy yet
warnings   none`,
  );
});

it("a host that is not ready says why, with its workers and each warning", () => {
  const text = formatStatus(
    {
      ...status,
      notReady: "1 of its workers is not running",
      tls: true,
      bind: "::",
      workers: { wanted: 2, running: 1 },
      isolation: "oci",
      database: { bytes: 1, copiedAt: "2026-03-01T11:30:00Z" },
      warnings: ["Look.", "And look."],
    },
    now,
  );
  expect(text).toMatch(/^state {6}not ready: 1 of its workers is not running$/m);
  expect(text).toMatch(/^up .* at https:\/\/\[::\]:8080$/m);
  expect(text).toMatch(/^isolation {2}containers\nworkers {4}1 of 2$/m);
  expect(text).toMatch(/copied 30m ago\nwarnings {3}2\n {2}- Look\.\n {2}- And look\.$/);
});

it("the status of a host in a cluster names it", () => {
  const text = formatStatus({ ...status, host: "b" }, now);
  expect(text).toContain("\ncluster    b is one of its hosts: lever hosts\n");
});

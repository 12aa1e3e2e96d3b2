import { expect, it } from "vitest";
import {
  type CgroupVersion,
  cpuSeconds,
  innerLimitValues,
  limitValues,
  ranOutOfMemory,
} from "./cgroup-values.ts";
import { resourceShare } from "./resource-share.ts";

const share = resourceShare(128, { maxCpu: 0.5, openFilesMax: 1_024 });
const openShare = resourceShare(128, { openFilesMax: 1_024 });

const lines = (values: ReturnType<typeof limitValues>): string[] =>
  values.map(({ controller, file, value }) => `${controller}: ${file} = ${value}`);

it("version 1 has a weight, a quota and a limit for each controller", () => {
  expect(lines(limitValues(share, 1))).toEqual([
    "memory: memory.limit_in_bytes = 128000000",
    "cpu: cpu.shares = 1024",
    "cpu: cpu.cfs_quota_us = 50000",
    "pids: pids.max = 64",
  ]);
});

it("version 2 has a weight, a quota in its period and a limit for each controller", () => {
  expect(lines(limitValues(share, 2))).toEqual([
    "memory: memory.max = 128000000",
    "cpu: cpu.weight = 100",
    "cpu: cpu.max = 50000 100000",
    "pids: pids.max = 64",
  ]);
});

it.each<[CgroupVersion, string]>([
  [1, "cpu: cpu.cfs_quota_us = -1"],
  [2, "cpu: cpu.max = max 100000"],
])("version %s without a ceiling of processors removes an earlier one", (version, line) => {
  expect(lines(limitValues(openShare, version))).toContain(line);
});

it("version 1 limits the memory of sockets in the inner group; version 2 counts it as memory", () => {
  expect(lines(innerLimitValues(share, 1))).toEqual([
    "memory: instance/memory.kmem.tcp.limit_in_bytes = 32000000",
  ]);
  expect(innerLimitValues(share, 2)).toEqual([]);
});

it.each<[string, CgroupVersion, boolean]>([
  ["low 0\nmax 7\noom 0\noom_kill 0\n", 2, false],
  ["low 0\nmax 7\noom 1\noom_kill 1\noom_group_kill 0\n", 2, true],
  ["low 0\noom_kill 12\n", 2, true],
  ["", 2, false],
  ["0\n", 1, false],
  ["3\n", 1, true],
  ["", 1, false],
])("counters %j of version %s mean out of memory: %s", (failures, version, expected) => {
  expect(ranOutOfMemory(failures, version)).toBe(expected);
});

it.each([
  [1, "1500000000\n", 1.5],
  [1, "", 0],
  [2, "usage_usec 2500000\nuser_usec 2000000\nsystem_usec 500000\n", 2.5],
  [2, "", 0],
] as const)("the processor time in version %i, %j, is %d s", (version, content, expected) => {
  expect(cpuSeconds(content, version)).toBe(expected);
});

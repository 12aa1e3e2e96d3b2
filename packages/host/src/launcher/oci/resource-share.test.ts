import { expect, it } from "vitest";
import { resourceShare } from "./resource-share.ts";

const openFilesMax = 65_536;

it("128 MB give the default weights of both versions of control groups", () => {
  expect(resourceShare(128, { openFilesMax })).toEqual({
    memoryBytes: 128_000_000,
    cpuShares: 1_024,
    cpuWeight: 100,
    cpuQuotaUs: undefined,
    pids: 64,
    tmpBytes: 32_000_000,
    openFiles: 2_048,
  });
});

it("twice the memory gives twice of everything above the minimum", () => {
  const [one, two] = [1_024, 2_048].map((ram) => resourceShare(ram, { openFilesMax }));
  for (const [name, value] of Object.entries(one ?? {})) {
    if (name === "cpuQuotaUs") continue;
    expect([name, two?.[name as "pids"]]).toEqual([name, value * 2]);
  }
});

it("Lever's own process beside a program adds memory and nothing else", () => {
  const expected = { ...resourceShare(128, { openFilesMax }), memoryBytes: 158_000_000 };
  expect(resourceShare(128, { openFilesMax, ownMb: 30 })).toEqual(expected);
});

it.each([
  [16, { cpuShares: 128, cpuWeight: 13, pids: 64, openFiles: 1_024 }],
  [65_536, { cpuShares: 262_144, cpuWeight: 10_000, pids: 32_768, openFiles: 65_536 }],
])("%s MB stay within what the kernel accepts and a runtime needs", (ram, share) => {
  expect(resourceShare(ram, { openFilesMax })).toMatchObject(share);
});

it("a container may not open more files than its host", () => {
  expect(resourceShare(4_096, { openFilesMax: 1_000 }).openFiles).toBe(1_000);
  expect(resourceShare(4_096).openFiles).toBeGreaterThan(0);
});

it.each([
  [1, 100_000],
  [0.5, 50_000],
  [2.25, 225_000],
  [0.001, 1_000],
])("a ceiling of %s processors is %s µs in each 100 ms", (maxCpu, cpuQuotaUs) => {
  expect(resourceShare(128, { maxCpu, openFilesMax }).cpuQuotaUs).toBe(cpuQuotaUs);
});

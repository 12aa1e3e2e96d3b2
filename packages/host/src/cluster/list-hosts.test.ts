import { expect, it } from "vitest";
import { listHosts } from "./list-hosts.ts";
import type { MemberRow } from "./postgres-leases.ts";
import { SHARED_VERSIONS } from "./shared-versions.ts";

const row: MemberRow = {
  id: "1",
  incarnation: 1,
  name: "b",
  address: "b:1",
  fingerprint: "",
  appliedRevision: 8,
  version: "1.0.0",
  ...SHARED_VERSIONS,
  state: "active",
  renewal: 1,
  renewedAgoMs: 400,
  isDraining: false,
  isIdle: true,
};

it("a host is listed with the time that its lease has left, and the changes that it lacks", () => {
  const hosts = [
    row,
    { ...row, id: "2", name: "a", appliedRevision: 3 },
    { ...row, id: "3", name: "c", renewedAgoMs: 9_800 },
    { ...row, id: "4", name: "d", state: "left" as const, isDraining: true },
    { ...row, id: "5", name: "e", isDraining: true, isIdle: false },
    { ...row, id: "6", name: "f", isDraining: true },
  ];
  const { hosts: listed } = listHosts({ id: "2", hosts, hostsAgeMs: 300 }, 7);
  expect(
    listed.map(({ host, isSelf, state, leaseMs, revisionsBehind }) => [
      host,
      isSelf,
      state,
      leaseMs,
      revisionsBehind,
    ]),
  ).toEqual([
    ["a", true, "active", 9_300, 1],
    ["b", false, "active", 9_300, 0],
    ["c", false, "silent", 0, 0],
    ["d", false, "left", 0, 0],
    ["e", false, "draining", 9_300, 0],
    ["f", false, "drained", 9_300, 0],
  ]);
});

it("a host that has read nothing lists nothing", () => {
  expect(listHosts({ id: "2", hosts: [], hostsAgeMs: undefined }, 7)).toEqual({
    hosts: [],
    readMsAgo: null,
  });
});

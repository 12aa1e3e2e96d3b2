import type { HostListing } from "@leveros/protocol";
import { expect, it } from "vitest";
import { formatHosts, hostsNote } from "./format-hosts.ts";

const host: HostListing = {
  host: "a",
  id: "1",
  isSelf: true,
  state: "active",
  leaseMs: 9_340,
  version: "1.2.3",
  revisionsBehind: 0,
  address: "a:8080",
};

it("the host that answers has a star, and one without a lease has no time", () => {
  const b = { ...host, host: "b", isSelf: false, state: "silent", leaseMs: 0 } as const;
  expect(formatHosts({ hosts: [host, { ...b, revisionsBehind: 2 }], readMsAgo: 5 })).toBe(
    `HOST  STATE   LEASE  VERSION  BEHIND  ADDRESS
a *   active  9.3 s  1.2.3    0       a:8080
b     silent  -      1.2.3    2       a:8080`,
  );
});

it.each([
  [null, "The database has not answered since this host started"],
  [3_000, undefined],
  [61_200, "This is as of 61 s ago"],
])("a list that was read %j ms ago has a note: %j", (readMsAgo, note) => {
  const found = hostsNote({ hosts: [], readMsAgo });
  expect(found).toEqual(note === undefined ? undefined : expect.stringContaining(note));
});

import { expect, it } from "vitest";
import { parsePeerAddress, parsePeerBind, readCluster } from "./read-cluster.ts";

const none = {
  cluster: undefined,
  clusterKey: undefined,
  hostName: undefined,
  found: false,
  discardLocal: false,
  newIdentity: false,
  newDatabase: false,
  peerBind: undefined,
  peerAddress: undefined,
};
const given = { ...none, cluster: "postgres://u@a/d,postgres://u@b/d", clusterKey: "k" };

it("a host without --cluster is the only one", () => {
  expect(readCluster(none)).toBeUndefined();
});

it("several URLs are those of one database's servers", () => {
  expect(readCluster({ ...given, hostName: "host-1", found: true })).toEqual({
    urls: ["postgres://u@a/d", "postgres://u@b/d"],
    keyFile: "k",
    hostName: "host-1",
    founds: true,
    discardsLocal: false,
    isNewIdentity: false,
    isNewDatabase: false,
  });
});

it.each([
  ["no key", { ...given, clusterKey: undefined }, "lever cluster key new > cluster.key"],
  ["an option without --cluster", { ...none, found: true }, "Cannot use --found without --cluster"],
  ["a name with a space", { ...given, hostName: "a b" }, 'Cannot use "a b" as --host-name'],
  [
    "an address for hosts without --cluster",
    { ...none, peerAddress: "a:1" },
    "Cannot use --peer-address without --cluster",
  ],
  ["two ways to begin", { ...given, found: true, discardLocal: true }, "together"],
])("%s is refused with a sentence", (_what, flags, message) => {
  expect(() => readCluster(flags)).toThrow(message);
});

it.each([
  ["10.0.0.5", { bind: "10.0.0.5", port: 0 }, undefined],
  ["10.0.0.5:4001", { bind: "10.0.0.5", port: 4001 }, "10.0.0.5:4001"],
  ["host-a.example:4001", { bind: "host-a.example", port: 4001 }, "host-a.example:4001"],
  ["[::1]:4001", { bind: "::1", port: 4001 }, "[::1]:4001"],
  ["[fe80::1]", { bind: "fe80::1", port: 0 }, undefined],
  ["a:65536", undefined, undefined],
  ["::1:4001", undefined, undefined],
  ["a b:1", undefined, undefined],
  ["", undefined, undefined],
])("%j is read as an address to listen on, and one to dial", (text, bind, address) => {
  expect([parsePeerBind(text), parsePeerAddress(text)]).toEqual([bind, address]);
});

import { expect, it } from "vitest";
import { readCluster } from "./read-cluster.ts";

const none = {
  cluster: undefined,
  clusterKey: undefined,
  hostName: undefined,
  found: false,
  discardLocal: false,
  newIdentity: false,
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
  });
});

it.each([
  ["no key", { ...given, clusterKey: undefined }, "lever cluster key new > cluster.key"],
  ["an option without --cluster", { ...none, found: true }, "Cannot use --found without --cluster"],
  ["a name with a space", { ...given, hostName: "a b" }, 'Cannot use "a b" as --host-name'],
  ["two ways to begin", { ...given, found: true, discardLocal: true }, "together"],
])("%s is refused with a sentence", (_what, flags, message) => {
  expect(() => readCluster(flags)).toThrow(message);
});

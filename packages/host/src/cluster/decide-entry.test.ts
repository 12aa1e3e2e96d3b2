import { expect, it } from "vitest";
import { decideEntry, type Entry } from "./decide-entry.ts";

const cluster = { id: "one", generation: 1, isFounded: true, keyId: "k" };
const entry: Entry = {
  cluster,
  knownId: undefined,
  hasContent: false,
  founds: false,
  discardsLocal: false,
};

it.each<[what: string, Partial<Entry>, step: object]>([
  ["an empty host joins", {}, { kind: "join" }],
  ["a host comes back", { knownId: "one", hasContent: true }, { kind: "join" }],
  ["a host that founded comes back", { knownId: "one", founds: true }, { kind: "join" }],
  [
    "a host founds in an empty database",
    { cluster: undefined, founds: true },
    { kind: "found", isBegun: false },
  ],
  [
    "a host goes on with the founding of another one that was cut off",
    { cluster: { ...cluster, isFounded: false }, founds: true },
    { kind: "found", isBegun: true },
  ],
  [
    "a host goes on with its own founding",
    { cluster: { ...cluster, isFounded: false }, knownId: "one" },
    { kind: "found", isBegun: true },
  ],
  ["a host gives up what it has", { hasContent: true, discardsLocal: true }, { kind: "join" }],
])("%s", (_what, given, step) => {
  expect(decideEntry({ ...entry, ...given })).toEqual(step);
});

it.each<[what: string, Partial<Entry>, remedy: string]>([
  ["an empty database", { cluster: undefined }, "Start the first host with --found"],
  [
    "a cluster that is not founded",
    { cluster: { ...cluster, isFounded: false } },
    "Start the host that founds it with --found again",
  ],
  ["--found for a founded cluster", { founds: true }, "Start without --found"],
  ["a folder with services", { hasContent: true }, "or give them up with --discard-local"],
  ["a folder of another cluster", { knownId: "two" }, "Give the URL of the former"],
  [
    "a folder of a cluster, and an empty database",
    { knownId: "two", cluster: undefined, founds: true },
    "the database is empty. Give the URL of the cluster's database",
  ],
])("%s is refused with what to do", (_what, given, remedy) => {
  expect(decideEntry({ ...entry, ...given })).toEqual({
    kind: "refuse",
    reason: expect.stringContaining(remedy),
  });
});

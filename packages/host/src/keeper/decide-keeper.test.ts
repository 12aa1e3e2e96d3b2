import { expect, it } from "vitest";
import { decideKeeper, type KeeperState, type KeeperStep } from "./decide-keeper.ts";

const owners: ReadonlySet<string> = new Set(["one", "two"]);
const none: ReadonlySet<string> = new Set();
const held: KeeperState<string> = { ownersEndAtMs: 5_000, owners, isHostDead: false };
const kill: KeeperStep<string> = { kind: "kill", owners };

it.each<[string, Partial<KeeperState<string>>, number, KeeperStep<string>]>([
  ["waits until it must kill", {}, 4_950.5, { kind: "wait", ms: 50 }],
  [
    "looks at the boot time every 100 ms, since the machine may sleep",
    {},
    0,
    { kind: "wait", ms: 100 },
  ],
  ["Q2: kills the owners at the moment that the host has given", {}, 5_000, kill],
  ["Q2: kills the owners when it wakes up too late", {}, 60_000, kill],
  ["Q2: kills the owners when the host dies", { isHostDead: true }, 0, kill],
  ["Q2: kills an owner for which it has no moment", { ownersEndAtMs: undefined }, 0, kill],
  ["Q1: kills nothing without owners", { owners: none }, 60_000, { kind: "wait", ms: undefined }],
  [
    "Q3: ends when its host is dead and all owners are",
    { owners: none, isHostDead: true },
    0,
    { kind: "exit" },
  ],
])("a keeper %s", (_, changes, bootMs, step) => {
  expect(decideKeeper({ ...held, ...changes }, bootMs)).toEqual(step);
});

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Right } from "@leveros/protocol";
import { beforeEach, expect, it } from "vitest";
import { stateOf } from "../../../../tests/harness/state-of.ts";
import { type Commit, State } from "../state/state.ts";
import { openSqliteStore, type SqliteStore } from "../store/sqlite-store.ts";
import type { TokenRecord } from "../store/store.ts";
import type { TokenOptions } from "./token-options.ts";
import { TokenRegistry } from "./token-registry.ts";

const admin: TokenOptions = {
  environments: ["*"],
  rights: ["admin"],
  expiresInMs: undefined,
  note: "",
};
const invoker: TokenOptions = { ...admin, rights: ["invoke"] satisfies Right[] };

const [forced, unforced] = [{ isForced: true }, { isForced: false }];

let now: number;
let stored: TokenRecord[];
let revision: number;
let refusal: Error | undefined;
let changes: string[];
let tokens: TokenRegistry;

/** Takes a moment, as over a network. */
const commit: Commit = async (change, expected) => {
  await undefined;
  if (refusal !== undefined) throw refusal;
  if (expected !== revision) return { outcome: "conflict", revision };
  if (change.kind === "tokenCreated") stored = [...stored, change.record];
  if (change.kind === "tokenRemoved") stored = stored.filter(({ id }) => id !== change.id);
  revision++;
  tokens.apply({ revision, change, removedCode: [] });
  return { outcome: "written", revision };
};

beforeEach(async () => {
  now = 1;
  stored = [];
  revision = 0;
  changes = [];
  refusal = undefined;
  tokens = await TokenRegistry.open({
    store: { tokens: async () => stored },
    state: new State({ revisionOf: async () => revision }, commit),
    wallTime: () => now,
    isLocalOnly: true,
  });
  tokens.changed.add(({ record, isKnown }) => changes.push(`${isKnown ? "+" : "-"}${record.note}`));
});

it("a token stays known when the store refuses to forget it", async () => {
  const { id } = await tokens.create({ ...admin, note: "a" });
  refusal = new Error("full");
  await expect(tokens.revoke(id, forced)).rejects.toThrow("full");
  expect([tokens.list().length, stored.length, changes]).toEqual([1, 1, ["+a"]]);
  refusal = undefined;
  await tokens.revoke(id, forced);
  expect([tokens.list().length, stored.length, changes]).toEqual([0, 0, ["+a", "-a"]]);
});

it("a token is not known when the store refuses to record it", async () => {
  refusal = new Error("full");
  await expect(tokens.create(admin)).rejects.toThrow("full");
  expect([tokens.list(), changes]).toEqual([[], []]);
});

it("two revocations at once cannot remove the last two tokens that may create others", async () => {
  const [first, second] = [await tokens.create(admin), await tokens.create(admin)];
  await tokens.create(invoker);
  const outcomes = await Promise.allSettled([
    tokens.revoke(first.id, unforced),
    tokens.revoke(second.id, unforced),
  ]);
  expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
  expect(stored.map(({ rights }) => rights)).toEqual([["admin"], ["invoke"]]);
});

it("a token that may do less is not created while the only other one is revoked", async () => {
  const { id } = await tokens.create(admin);
  const outcomes = await Promise.allSettled([tokens.revoke(id, forced), tokens.create(invoker)]);
  expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
  expect(stored).toEqual([]);
});

it("the last token that may do everything is revoked only by force, and says what follows", async () => {
  const { id } = await tokens.create(admin);
  await expect(tokens.revoke(id, unforced)).rejects.toThrow(/Without tokens, every program/);
  const other = await tokens.create(invoker);
  await expect(tokens.revoke(id, unforced)).rejects.toThrow(/Only lever token reset .* set force/);
  await tokens.revoke(id, forced);
  await tokens.revoke(other.id, unforced);
  expect(stored).toEqual([]);
});

it("a principal finds its token until the token is revoked or expires", async () => {
  expect(tokens.find("local")).toBeNull();
  const { id } = await tokens.create({ ...admin, note: "me" });
  expect(tokens.find(id)).toMatchObject({ id, note: "me", rights: ["admin"] });
  const short = await tokens.create({ ...invoker, expiresInMs: 10 });
  now = 20;
  for (const principal of ["local", "other", short.id]) {
    expect(() => tokens.find(principal)).toThrow("Cannot accept this token");
  }
});

it("a token that could not be revoked is as valid after a restart as before it", async () => {
  const dir = mkdtempSync(join(tmpdir(), "lever-tokens-"));
  const file = join(dir, "lever.sqlite");
  let store = openSqliteStore(file);
  const open = async (): Promise<TokenRegistry> => {
    const failing: SqliteStore = {
      ...store,
      commit: async (...change) => {
        if (refusal !== undefined) throw refusal;
        return await store.commit(...change);
      },
    };
    const state = stateOf(failing, (applied) => opened.apply(applied));
    const options = { store, state, wallTime: () => now, isLocalOnly: true };
    const opened = await TokenRegistry.open(options);
    return opened;
  };
  const restart = async (): Promise<TokenRegistry> => {
    await store.close();
    store = openSqliteStore(file);
    return await open();
  };
  tokens = await open();
  const { id } = await tokens.create(admin);
  refusal = new Error("full");
  await expect(tokens.revoke(id, forced)).rejects.toThrow("full");
  expect(tokens.list()).toHaveLength(1);
  tokens = await restart();
  expect(tokens.list()).toHaveLength(1);
  refusal = undefined;
  await tokens.revoke(id, forced);
  expect(tokens.list()).toEqual([]);
  expect((await restart()).list()).toEqual([]);
  await store.close();
  rmSync(dir, { recursive: true });
});

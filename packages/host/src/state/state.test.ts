import { beforeEach, expect, it } from "vitest";
import { type Change, type CommitResult, NO_KEY, TOKENS_KEY } from "../store/change.ts";
import { State } from "./state.ts";

let revision: number;
let committed: (number | undefined)[];
let results: CommitResult["outcome"][];
let state: State;

beforeEach(() => {
  revision = 5;
  committed = [];
  results = [];
  state = new State({ revisionOf: async () => revision }, async (_, expected) => {
    committed.push(expected);
    const outcome = results.shift() ?? "written";
    return outcome === "unknown" ? { outcome } : { outcome, revision: ++revision };
  });
});

const removed: Change = { kind: "tokenRemoved", id: "t1" };

it("a change is committed with the revision that it was decided on", async () => {
  expect(await state.change(TOKENS_KEY, () => removed)).toBe(removed);
  expect(committed).toEqual([5]);
});

it("a change without a key is committed on any revision", async () => {
  await state.change(NO_KEY, () => removed);
  expect(committed).toEqual([undefined]);
});

it("a change is decided again after a conflict", async () => {
  results = ["conflict", "conflict"];
  let decisions = 0;
  await state.change(TOKENS_KEY, () => {
    decisions++;
    return removed;
  });
  expect([decisions, committed]).toEqual([3, [5, 6, 7]]);
});

it("a change that is in conflict again and again is refused", async () => {
  results = Array(20).fill("conflict");
  await expect(state.change(TOKENS_KEY, () => removed)).rejects.toMatchObject({ code: "conflict" });
  expect(committed).toHaveLength(10);
});

it("a change whose outcome is unknown is not tried again", async () => {
  results = ["unknown"];
  await expect(state.change(TOKENS_KEY, () => removed)).rejects.toMatchObject({
    code: "unavailable",
  });
  expect(committed).toHaveLength(1);
});

it("changes with one key are decided one after the other", async () => {
  const seen: number[] = [];
  const change = async (): Promise<Change> =>
    await state.change(TOKENS_KEY, () => {
      seen.push(revision);
      return removed;
    });
  await Promise.all([change(), change(), change()]);
  expect(seen).toEqual([5, 6, 7]);
});

it("an error of the decision is the change's, and nothing is committed", async () => {
  const change = state.change(TOKENS_KEY, () => {
    throw new Error("there is no such token");
  });
  await expect(change).rejects.toThrow("there is no such token");
  expect(committed).toEqual([]);
});

import { expect, it } from "vitest";
import type { AppliedChange } from "../store/change.ts";
import { Applier } from "./applier.ts";

const applied = (revision: number): AppliedChange => ({
  revision,
  change: { kind: "tokenRemoved", id: "t1" },
  removedCode: [],
});

it("each change runs through all handlers before the next one", async () => {
  const applier = new Applier();
  const seen: string[] = [];
  for (const name of ["a", "b"]) {
    applier.add(async ({ revision }) => {
      await undefined;
      seen.push(`${name}${revision}`);
    });
  }
  await Promise.all([applier.apply(applied(1)), applier.apply(applied(2))]);
  expect(seen).toEqual(["a1", "b1", "a2", "b2"]);
});

it("a handler that fails fails its change, and not the one after it", async () => {
  const applier = new Applier();
  applier.add(({ revision }) => {
    if (revision === 1) throw new Error("no");
  });
  const [first, second] = await Promise.allSettled([1, 2].map((of) => applier.apply(applied(of))));
  expect([first?.status, second?.status]).toEqual(["rejected", "fulfilled"]);
});

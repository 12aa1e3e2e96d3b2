import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, it } from "vitest";
import { VirtualClock } from "../../../../tests/harness/virtual-clock.ts";
import { ArchivePrefetch } from "./archive-prefetch.ts";

it("wanted archives are fetched one after the other, and again after a failure", async () => {
  const clock = new VirtualClock();
  const fetched: string[] = [];
  let isAway = true;
  const prefetch = new ArchivePrefetch(async (codeId) => {
    fetched.push(codeId);
    if (isAway && codeId === "b") throw new Error("away");
  }, clock);
  for (const codeId of ["a", "b", "c", "d"]) prefetch.want(codeId);
  prefetch.drop("d");
  await nextTurn();
  expect(fetched).toEqual(["a", "b", "c"]);
  isAway = false;
  clock.advance(10_000);
  await nextTurn();
  expect(fetched).toEqual(["a", "b", "c", "b"]);
  clock.advance(60_000);
  await nextTurn();
  expect(fetched).toHaveLength(4);
  prefetch.close();
});

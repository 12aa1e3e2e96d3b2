import { expect, it } from "vitest";
import { systemClock } from "../clock.ts";
import { catchUp } from "./catch-up.ts";

const refused = Object.assign(new Error("refused"), { code: "ECONNREFUSED" });

/** A start at which the database stops answering, of a host whose copy has this generation. */
async function start(generation: number): Promise<{ isCurrent: boolean; events: string[] }> {
  const events: string[] = [];
  const isCurrent = await catchUp(
    { catchUp: () => Promise.reject(refused) },
    { position: () => ({ generation, revision: 7, nonce: "n" }) },
    { clock: systemClock, log: (_level, _part, event) => events.push(event) },
  );
  return { isCurrent, events };
}

it("a host starts from its copy when the database stops answering meanwhile", async () => {
  expect(await start(1)).toEqual({ isCurrent: false, events: ["database away at start"] });
});

it("a host without a copy does not start without the database", async () => {
  await expect(start(0)).rejects.toBe(refused);
});

import { expect, it } from "vitest";
import { SingleFlight } from "./single-flight.ts";

it("callers with the same key share one run, and a later caller starts another", async () => {
  const flight = new SingleFlight<number>();
  let runs = 0;
  const work = async (): Promise<number> => ++runs;
  expect(await Promise.all([flight.run("a", work), flight.run("a", work)])).toEqual([1, 1]);
  expect(await flight.run("a", work)).toBe(2);
});

it("callers with other keys do not share a run", async () => {
  const flight = new SingleFlight<string>();
  const of = (name: string) => flight.run(name, async () => name);
  expect(await Promise.all([of("a"), of("b")])).toEqual(["a", "b"]);
});

it("a failed run rejects all of its callers, and the next caller tries again", async () => {
  const flight = new SingleFlight<string>();
  const failing = () => flight.run("a", () => Promise.reject(new Error("disk full")));
  const outcomes = await Promise.allSettled([failing(), failing()]);
  expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(await flight.run("a", async () => "done")).toBe("done");
});

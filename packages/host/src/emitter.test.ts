import { expect, it } from "vitest";
import { Emitter } from "./emitter.ts";

it("every listener gets every event, in the order in which they were added", () => {
  const emitter = new Emitter<number>();
  const seen: string[] = [];
  for (const name of ["a", "b"]) emitter.add((event) => seen.push(`${name}${event}`));
  emitter.emit(1);
  emitter.emit(2);
  expect(seen).toEqual(["a1", "b1", "a2", "b2"]);
});

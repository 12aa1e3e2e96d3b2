import { promisify } from "node:util";
import { expect, it } from "vitest";
import { replaceFunction } from "./replace-function.ts";

it("a replaced function keeps its name, its length and its other properties", async () => {
  function add(a: number, b: number): number {
    return a + b;
  }
  Object.assign(add, { [promisify.custom]: () => Promise.resolve("custom") });
  const target = { add };
  replaceFunction(
    target,
    "add",
    (original) =>
      (...args) =>
        Number(original(...args)) * 2,
  );
  expect(target.add).not.toBe(add);
  expect(target.add(1, 2)).toBe(6);
  expect([target.add.name, target.add.length]).toEqual(["add", 2]);
  expect(await promisify(target.add)(1, 2)).toBe("custom");
});

it("a function that an object does not have is not added", () => {
  const target = {};
  replaceFunction(target, "missing", (original) => original);
  expect(target).toEqual({});
});

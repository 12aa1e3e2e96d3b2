import { expect, it } from "vitest";
import { methodSignature } from "./method-signature.ts";

it.each([
  ["exports.go = (name, count = 1, callback) => {}", "go", ["name", "count = 1"], ['"name"']],
  ["export function go(order: Order): Map<A, B> {}", "go", ["order: Order"], undefined],
  [
    "export async function goChan(stream: Stream, from: number) {}",
    "goChan",
    ["from: number"],
    ["1"],
  ],
  ["export async function* goChan(stream) {}", "goChan", [], []],
])("in %j, %s has arguments", (source, method, parameters, args) => {
  expect(methodSignature(source, method)).toEqual({ parameters, args, hasResource: false });
});

it("the resource of a method is none of its arguments", () => {
  const source = "exports.newResource = () => {}; exports.addChan = (stream, counter, by) => by;";
  const found = { parameters: ["by"], args: ['"by"'], hasResource: true };
  expect(methodSignature(source, "addChan")).toEqual(found);
});

it("a method that the source does not define has no signature", () => {
  expect(methodSignature("export { go } from './go.js'; go(1);", "go")).toBeUndefined();
});

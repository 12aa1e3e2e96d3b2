import { expect, it } from "vitest";
import { exampleCall } from "./example-call.ts";

/** The arguments of the example for a service with the method `go`. */
const argsFor = (source: string): readonly string[] | undefined =>
  exampleCall(source, { service: "svc", methods: ["go"] })?.args;

it.each([
  ["exports.go = function (name, callback) { callback(null, go(1)); };", ['"name"']],
  ["exports.go = (counter, by = 1) => counter;", ['"counter"']],
  ["module.exports = { async go(a, n) { return n; } };", ['"a"', "1"]],
  ["go(2);\nexport async function* go() {}", []],
  [
    "export function go({ name, size }, [a, b], ...rest) {}",
    ['{"name":"name","size":"size"}', "[]"],
  ],
  [
    "export const go = async (names: string[], isNew: boolean, limit?: number) => {}",
    ["[]", "true"],
  ],
  [
    'export function go(kind: "a" | "b", at: { x: number; label?: string }): void {}',
    ['"a"', '{"x":1}'],
  ],
  [
    "interface Person {\n  /** A name: any. */\n  readonly name: string;\n  readonly age?: Age;\n}\nexport function go(person: Person): string {",
    ['{"name":"name"}'],
  ],
  ["type A = { b: A };\nexport function go(a: A) {}", undefined],
  ["export function go(map: Map<string, number>) {}", undefined],
  ["export { go } from './go.js'; go(1);", undefined],
  ["", undefined],
])("the arguments for %j are %j", (source, args) => {
  expect(argsFor(source)).toEqual(args);
});

it("a service with resources is called with one, which is no argument", () => {
  const source = "exports.newResource = () => {}; exports.add = (counter, by) => by;";
  expect(exampleCall(source, { service: "svc", methods: ["add"] })).toEqual({
    url: "/svc/example/add",
    args: ['"by"'],
  });
});

it("the first regular method is called whose arguments can be made up", () => {
  const source = "exports.a = (m: Map) => {}; exports.bChan = (s) => {}; exports.c = () => {};";
  const methods = ["a", "bChan", "c"];
  expect(exampleCall(source, { service: "svc", methods })?.url).toBe("/svc/c");
  expect(exampleCall(source, { service: "svc", methods: ["bChan"] })).toBeUndefined();
});

import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { jsonText } from "./json-text.ts";

class Point {
  x = 1;
  y = 2;
  length(): number {
    return this.x + this.y;
  }
}
class Account {
  owner = "ann";
  #balance = 1;
  balance(): number {
    return this.#balance;
  }
}
class Savings extends Account {}
class Money {
  #cents = 5;
  toJSON(): object {
    return { cents: this.#cents };
  }
}
class Walker {
  // A private method is no state. Nor is "#text = 1;" in a string or a comment: #comment;
  step = "#text = 1;";
  #walk(): number {
    return 1;
  }
  walk(): number {
    return this.#walk();
  }
}
class Empty {}
class Query {
  text = "select 1";
  // biome-ignore lint/suspicious/noThenProperty: query builders have it.
  then(): void {}
}

describe("a value that JSON represents is sent:", () => {
  it.each<[string, unknown, string]>([
    ["undefined", undefined, "null"],
    ["NaN", Number.NaN, "null"],
    ["undefined and infinities in a list", [undefined, Number.POSITIVE_INFINITY], "[null,null]"],
    ["an undefined property", { a: undefined, b: 1 }, '{"b":1}'],
    ["a Date", { at: new Date(0) }, '{"at":"1970-01-01T00:00:00.000Z"}'],
    ["a null-prototype object", Object.assign(Object.create(null), { a: 1 }), '{"a":1}'],
    ["an instance with public fields", [new Point()], '[{"x":1,"y":2}]'],
    ["an instance with private methods", new Walker(), '{"step":"#text = 1;"}'],
    ["toJSON of a class", { price: new Money() }, '{"price":{"cents":5}}'],
    ["toJSON of an object", { toJSON: () => [1] }, "[1]"],
    ["a URL", new URL("http://a/"), '"http://a/"'],
    ["a Buffer inside", [Buffer.from("a")], '[{"type":"Buffer","data":[97]}]'],
    ["a Uint8Array inside", [new Uint8Array(1)], '[{"0":0}]'],
    ["boxed primitives", [Object(1), Object("a"), Object(false)], '[1,"a",false]'],
    ["objects of another realm", runInNewContext("[{}, [{a: 1}]]"), '[{},[{"a":1}]]'],
    [
      "the same object twice",
      [new Point(), ...Array(2).fill(new Empty().constructor.name)],
      '[{"x":1,"y":2},"Empty","Empty"]',
    ],
    ["a getter", Object.defineProperty({}, "a", { get: () => 1, enumerable: true }), '{"a":1}'],
    ["a symbol key", { [Symbol("a")]: 1 }, "{}"],
  ])("%s", (_name, value, text) => {
    expect(jsonText(value, "result")).toBe(text);
  });

  it("the same object in two places", () => {
    const shared = new Point();
    expect(jsonText({ a: shared, b: [shared] }, "result")).toBe(
      '{"a":{"x":1,"y":2},"b":[{"x":1,"y":2}]}',
    );
  });

  it("a list nested 1,000 deep", () => {
    let list: unknown[] = [];
    for (let i = 0; i < 1_000; i++) list = [list];
    expect(jsonText(list, "result")).toHaveLength(2_002);
  });
});

const circular: { parent?: unknown; children: unknown[] } = { children: [{ name: "a" }] };
circular.children.push({ parent: circular });

describe("a value that JSON would lose is refused with path, type and remedy:", () => {
  it.each<[unknown, string]>([
    [
      { users: [1, 2, 3, { tags: new Map() }] },
      "result.users[3].tags is a Map. Send Object.fromEntries(map), or [...map].",
    ],
    [new Map([["a", 1]]), "result is a Map. Send Object.fromEntries(map), or [...map]."],
    [[new Set()], "result[0] is a Set. Send [...set]."],
    [
      { "a b": new WeakMap() },
      'result["a b"] is a WeakMap. Its entries cannot be listed: leave it out.',
    ],
    [{ a: Promise.resolve() }, "result.a is a Promise. Await it first."],
    [{ a: new Query() }, "result.a is a Query, which is a promise. Await it first."],
    [{ a: () => 1 }, "result.a is a function. Leave it out, or send what it returns."],
    [Point, "result is a function. Leave it out, or send what it returns."],
    [[Symbol("a")], "result[0] is a symbol. Send its description."],
    [{ n: 1n }, "result.n is a BigInt. Send it as text, String(value), or as a Number."],
    [{ e: new RangeError("x") }, "result.e is a RangeError. Throw it, or send its message."],
    [
      { e: Object.assign(new Error("x"), { code: 1 }) },
      "result.e is an Error. Throw it, or send its message.",
    ],
    [/a/, "result is a RegExp. Send its source."],
    [
      new ArrayBuffer(1),
      "result is an ArrayBuffer. Send a Buffer of it, alone: new Uint8Array(buffer).",
    ],
    [
      new Response("a"),
      "result is a Response. Send what await response.json(), .text() or .bytes() returns.",
    ],
    [{ h: new Headers() }, "result.h is a Headers. Send Object.fromEntries(headers)."],
    [new URLSearchParams("a=1"), "result is a URLSearchParams. Send its text: String(params)."],
    [
      new Account(),
      "result is an Account with private state (#balance). Send its data as a plain object, or give its class a toJSON method.",
    ],
    [
      { a: new Savings() },
      "result.a is a Savings with private state (#balance). Send its data as a plain object, or give its class a toJSON method.",
    ],
    [
      new Empty(),
      "result is an Empty without own properties. Send its data as a plain object, or give its class a toJSON method.",
    ],
    [
      circular,
      "result.children[1].parent is a circular reference to result. Leave it out, or send an identifier instead.",
    ],
    [{ toJSON: () => ({ a: new Set() }) }, "result.a is a Set. Send [...set]."],
    [
      runInNewContext("({a: [new Map()]})"),
      "result.a[0] is a Map. Send Object.fromEntries(map), or [...map].",
    ],
  ])("%o", (value, message) => {
    expect(() => jsonText(value, "result")).toThrow(new TypeError(message));
  });

  it("a list nested 100,000 deep", () => {
    let list: unknown[] = [];
    for (let i = 0; i < 100_000; i++) list = [list];
    expect(() => jsonText(list, "result")).toThrow(/^result is nested too deep for JSON/);
  });

  it("the path in an error is bounded", () => {
    const value = { ["k".repeat(10_000)]: new Map() };
    expect(() => jsonText(value, "result")).toThrow(/^.{200} is a Map/);
  });
});

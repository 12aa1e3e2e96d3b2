import { describe, expect, it } from "vitest";
import { callbackIndex } from "./call-style.ts";

// Functions as text: their exact form matters, and a formatter would change it.
const compile = (text: string): ((...args: never[]) => unknown) =>
  new Function(`return (${text});`)() as (...args: never[]) => unknown;

describe("a function takes a callback:", () => {
  it.each([
    ["function (name, callback) { callback(null, name); }", 1],
    ["(name, cb) => cb(null, name)", 1],
    ["done => setTimeout(done, 1)", 0],
    ["function (a, b) { b(null, a); }", 1],
    ["function (a, b) { other(a, b?.(null)); }", 1],
    ["(options, onCallback) => other(options, onCallback)", 1],
    ["function (a, /* a, b) */ next) { pass(a, next); }", 1],
    ["(a = ',)', b = [1, (2)], reply) => pass(reply)", 2],
    ["({ a, b }, [c], callback) => pass(callback)", 2],
    ["{ method(a, callback) { pass(callback); } }.method", 1],
    ["function ($, $cb) { $cb(null); }", 1],
  ])("%s", (text, index) => {
    const source = text.startsWith("{") ? `(${text.replace(/\.method$/, "")}).method` : text;
    expect(callbackIndex(compile(source))).toBe(index);
  });

  it("a bound function, whose text is unknown", () => {
    expect(callbackIndex(function bound(_a: unknown, _b: unknown): void {}.bind(null))).toBe(1);
  });
});

describe("a function returns its result:", () => {
  it.each([
    "function (name, greeting) { return greeting + name; }",
    "(name, greeting) => greeting + name",
    "(name, callbacks) => callbacks.length",
    "function () {}",
    "() => 1",
    "(...args) => args.length",
    "(a, { callback }) => a",
    "(a, callback = 1) => a + callback",
    "async (a, callback) => { callback(); }",
    "async function (a, callback) { callback(); }",
    "function* (stream, next) { next(); }",
    "async function* (stream, next) { next(); }",
    "(a, b) => other.b(a)",
  ])("%s", (text) => {
    expect(callbackIndex(compile(text))).toBeUndefined();
  });
});

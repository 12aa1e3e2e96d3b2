import { AsyncResource } from "node:async_hooks";
import { callbackify, deprecate, promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { callStyle } from "./call-style.ts";

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
    [
      "(name, f) => { const text = name.replace(/['\"/]/g, '').replace(/a\\/'/, ''); f(null, text); }",
      1,
    ],
    ["(a, f) => { const half = a / 2; const it = '/'; f(null, half / 2); }", 1],
    ["function (a, f) { list.forEach(function () { f(null, a); }); }", 1],
    ["function (a, callback) { return fn.apply(this, arguments); }", 1],
  ])("%s", (text, index) => {
    const source = text.startsWith("{") ? `(${text.replace(/\.method$/, "")}).method` : text;
    expect(callStyle(compile(source))).toEqual({ kind: "parameter", index });
  });

  it("a bound function, whose text is unknown", () => {
    const style = callStyle(function bound(_a: unknown, _b: unknown): void {}.bind(null));
    expect(style).toEqual({ kind: "unknown", length: 2 });
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
    "function () { return arguments.length; }",
    "function () { var sum = 0; for (var i = 0; i < arguments.length; i++) sum += arguments[i]; return sum; }",
    "function () { return Array.prototype.slice.call(arguments).join(); }",
    "function () { var first = arguments[0]; return first.name; }",
    "() => { var cb = arguments[arguments.length - 1]; cb(); }",
    "(...args) => { const last = args.pop(); return last * 2; }",
    "(...args) => args.reduce((sum, n) => sum + n)",
    "(...args) => { const [a, b] = args; return a + b; }",
    "(...numbers) => Math.max(...numbers)",
    "(...args) => fn(...args)",
    "(...args) => args.filter((arg) => typeof arg === 'string')",
    "(name, greeting) => { list.forEach(function () { return fn.apply(this, arguments); }); }",
    "function () { return list.map(function () { return fn.apply(this, arguments); }); }",
    "function hello(name_1) { return __awaiter(this, arguments, void 0, function* (name, greeting = 'Hello') {}); }",
    "function () { /* arguments.pop()() fn.apply(this, arguments) */ return 1; }",
    "function () { return 'fn.apply(this, arguments)'; }",
  ])("%s", (text) => {
    expect(callStyle(compile(text)).kind).toBe("returns");
  });
});

describe("a function takes the callback from the end of its arguments:", () => {
  it.each([
    "function () { var cb = arguments[arguments.length - 1]; cb(null, 1); }",
    "function () { arguments[arguments.length - 1](null, arguments.length); }",
    "function () { arguments[1](null, arguments[0]); }",
    "function () { var reply = arguments[1]; pass(reply); }",
    "function (a) { var f = arguments[arguments.length - 1]; f(null, a); }",
    "function () { var args = [].slice.call(arguments); var f = args.pop(); f(null, args); }",
    "function () { var args = Array.prototype.slice.call(arguments), done = args.pop(); pass(done); }",
    "function () { const args = Array.from(arguments); args.pop()(null, args); }",
    "function () { const args = [...arguments]; args.at(-1).call(null, null, 1); }",
    "function () { var f = [].pop.call(arguments); f(); }",
    "(...args) => { const callback = args.pop(); callback(null, args); }",
    "(...args) => args.pop()(null, args.length)",
    "(...args) => args[args.length - 1](null)",
    "(...args) => args.at(-1)?.(null, 1)",
    "(name, ...rest) => { const f = rest.pop(); setTimeout(function () { f(null, name); }, 1); }",
    "(...args) => { const [name, cb] = args; cb(null, name); }",
    "(...args) => { const [cb] = args.slice(-1); pass(cb); }",
    "(...args) => { const f = typeof args.at(-1) === 'function' ? args.pop() : noop; f(); }",
    "function () { for (const a of arguments) if (typeof arguments[0] === 'function') run(a); }",
    "(...args) => { const f = args.find((arg) => typeof arg === 'function'); return run(f); }",
    "function () { for (var _len = arguments.length, args = new Array(_len), _key = 0; _key < _len; _key++) { args[_key] = arguments[_key]; } var f = args.pop(); f(null); }",
  ])("%s", (text) => {
    expect(callStyle(compile(text)).kind).toBe("lastArgument");
  });

  it("util.callbackify", () => {
    expect(callStyle(callbackify(async (name: string) => name)).kind).toBe("lastArgument");
  });
});

describe("a function passes its arguments on to another one:", () => {
  it.each([
    "function () { return fn.apply(this, arguments); }",
    "function hello(_x) { return _hello.apply(this, arguments); }",
    "function () { log(); var args = arguments; return fn.apply(undefined, args); }",
    "(...args) => fn.apply(null, args)",
    "function (...args) { return target.call(this, ...args); }",
    "(...args) => Reflect.apply(fn, undefined, args)",
  ])("%s", (text) => {
    expect(callStyle(compile(text)).kind).toBe("wrapper");
  });
});

describe("a function that Node makes of another one:", () => {
  const takes = (name: string, callback: (error: null, result: string) => void): void =>
    callback(null, name);
  const returns = (name: string, greeting?: string): string => name + greeting;

  it.each<[string, (...args: never[]) => unknown, object]>([
    ["util.promisify", promisify(takes), { kind: "returns" }],
    ["util.deprecate", deprecate(takes, "old"), { kind: "parameter", index: 1 }],
    ["util.deprecate of one that returns", deprecate(returns, "old"), { kind: "returns" }],
    ["AsyncResource.bind", AsyncResource.bind(takes), { kind: "unknown", length: 2 }],
    ["bind of an async function", (async () => 1).bind(null), { kind: "returns" }],
    ["a function of JavaScript itself", Math.max, { kind: "returns" }],
  ])("%s", (_name, method, style) => {
    expect(callStyle(method)).toEqual(style);
  });
});

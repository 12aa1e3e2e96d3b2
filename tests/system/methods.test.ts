import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callMethod, httpCall } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { deployService, testService } from "../harness/test-service.ts";

const service = `
const { Transform } = require("node:stream");
const { setTimeout: delay } = require("node:timers/promises");
exports.prefix = "Hello, ";
exports.usesThis = function (name) { return this.prefix + name; };
exports.usesThisChan = async function (stream) { for await (const name of stream) stream.write(this.prefix + name); };
exports.NewResource = function (resource, callback) { this.opened = resource; callback(""); };
exports.opened = function (resource) { return this.opened; };

exports.errorNull = (callback) => callback(null, "result");
exports.errorUndefined = (callback) => callback(undefined, "result");
exports.errorFalse = (callback) => callback(false, "result");
exports.errorZero = (callback) => callback(0, "result");
exports.errorEmpty = (callback) => callback("", "result");
exports.throwsFalse = () => { throw false; };
exports.rejectsZero = () => Promise.reject(0);
exports.rejectsNothing = () => Promise.reject();

exports.returnsValue = (callback) => { setTimeout(() => callback(null, "result"), 1); return "returned"; };
exports.returnsPromise = (callback) => delay(1).then(() => setTimeout(() => callback(null, "result"), 1));
exports.rejects = (callback) => delay(1).then(() => { throw new Error("rejected"); });
exports.returnsTimer = (callback) => setTimeout(callback, 1, null, "result");

const { callbackify, promisify } = require("node:util");
const old = (name, callback) => setTimeout(callback, 1, null, name + "!");
const optional = (name, greeting = "Hello") => greeting + ", " + name;
const wrap = (fn) => function () { return fn.apply(this, arguments); };
const decorate = (fn) => function (...args) { console.log.apply(console, args); return Reflect.apply(fn, this, args); };
exports.byArguments = function () { const f = arguments[arguments.length - 1]; f(null, arguments.length - 1); };
exports.byRest = (...args) => { const f = args.pop(); f(null, args.length); };
exports.countArguments = function () { return arguments.length; };
exports.countRest = (...args) => args.length;
exports.callbackified = callbackify(async (name) => name + "!");
exports.promisified = promisify(old);
exports.wrapsCallback = wrap(old);
exports.wrapsOne = wrap(old);
exports.wrapsTwice = wrap(wrap(old));
exports.wrapsValue = wrap(optional);
exports.wrapsNothing = wrap(() => {});
exports.wrapsAsync = wrap(async (name, greeting = "Hello") => greeting + ", " + name);
exports.wrapsError = wrap((callback) => { callback(new Error("failed")); });
exports.decoratesCallback = decorate(old);
exports.decoratesValue = decorate(optional);
exports.bound = old.bind(null);
exports.boundAsync = (async (name) => name + "!").bind(null);
exports.boundValue = ((name, greeting) => greeting + ", " + name).bind(null);
exports.afterwards = () => [Function.prototype.apply.name, Function.prototype.call.name, Reflect.apply.name, Object.keys(Function.prototype).length];

exports.returnsStreamChan = (stream) => stream.on("data", (text) => stream.write(text.toUpperCase())).on("end", () => stream.end());
exports.returnsPipeChan = (stream) => stream.pipe(new Transform({
  objectMode: true, transform(text, _encoding, done) { done(null, text.toUpperCase()); },
})).pipe(stream);
exports.returnsOtherPipeChan = (stream) => {
  const upper = new Transform({ objectMode: true, transform(text, _encoding, done) { done(null, text.toUpperCase()); } });
  upper.pipe(stream);
  return stream.pipe(upper);
};
exports.returnsNothingChan = (stream) => { stream.on("data", (text) => stream.write(text.toUpperCase())).on("end", () => stream.end()); };

exports.map = () => ({ users: [{ tags: new Map() }] });
exports.mapByCallback = (callback) => callback(null, [new Map()]);
exports.mapAsError = () => { throw { code: 1, seen: new Map() }; };
exports.response = async () => new Response("text");
exports.failingJson = () => ({ toJSON() { throw new Error("no data"); } });
exports.mapChan = async function* () { yield { tags: new Map() }; };
exports.argument = async () => {
  const { Client } = require("leveros");
  return await new Client().service("", "methods").invoke("usesThis", { tags: new Map() }).catch((error) => error.code + ": " + error.message);
};
`;

const instance = `
class Base { greet(name) { return this.greeting + name; } }
class Greeter extends Base { greeting = "Hi, "; async *countChan(stream, to) { for (let i = 1; i <= to; i++) yield this.greeting + i; } }
export default new Greeter();
export const version = () => 1;
`;

let lever: RunningLever;

beforeAll(async () => {
  lever = await startLever();
  await Promise.all([
    deployService(lever, testService(service, { name: "methods" })),
    deployService(
      lever,
      testService({ "server.mjs": instance }, { name: "instance", jsEntry: "server.mjs" }),
    ),
  ]);
});

afterAll(() => lever.stop());

const call = async (path: string, args: readonly unknown[] = []): Promise<unknown> => {
  const answer = await callMethod(lever.address, path, [...args]);
  return answer.status === 200 ? answer.json() : [answer.status, answer.json()];
};

const stream = async (path: string, lines: readonly unknown[]): Promise<string> => {
  const answer = await httpCall(lever.address, `${path}?forceenv=dev.lever`, {
    headers: { "content-type": "application/x-ndjson" },
    body: lines.map((line) => `${JSON.stringify(line)}\n`).join(""),
  });
  return answer.text;
};

describe("a regular method answers with", () => {
  const cannot = (why: string): unknown => [500, `Cannot send the ${why}`];
  const mapRemedy = "Send Object.fromEntries(map), or [...map].";

  it.each([
    ["usesThis", "Hello, Ann"],
    ["errorNull", "result"],
    ["errorUndefined", "result"],
    ["errorFalse", "result"],
    ["errorZero", "result"],
    ["errorEmpty", "result"],
    ["throwsFalse", [500, false]],
    ["rejectsZero", [500, 0]],
    ["rejectsNothing", [500, null]],
    ["returnsValue", "result"],
    ["returnsPromise", "result"],
    ["rejects", [500, "rejected"]],
    ["returnsTimer", "result"],
    ["map", cannot(`result of map: result.users[0].tags is a Map. ${mapRemedy}`)],
    ["mapByCallback", cannot(`result of mapByCallback: result[0] is a Map. ${mapRemedy}`)],
    ["mapAsError", cannot(`error of mapAsError: error.seen is a Map. ${mapRemedy}`)],
    [
      "response",
      cannot(
        "result of response: result is a Response. Send what await response.json(), .text() or .bytes() returns.",
      ),
    ],
    ["failingJson", cannot("result of failingJson: no data")],
    [
      "argument",
      `malformed_request: Cannot send the arguments of usesThis: arguments[0].tags is a Map. ${mapRemedy}`,
    ],
  ])("%s", async (method, expected) => {
    const args = method === "usesThis" ? ["Ann"] : [];
    expect(await call(`/methods/${method}`, args)).toEqual(expected);
  });
});

describe("a method takes its callback where its text shows it:", () => {
  it.each<[string, readonly unknown[], unknown]>([
    ["byArguments", ["a", "b"], 2],
    ["byRest", ["a"], 1],
    ["countArguments", ["a"], 1],
    ["countRest", ["a", "b"], 2],
    ["callbackified", ["Ann"], "Ann!"],
    ["promisified", ["Ann"], "Ann!"],
    ["wrapsCallback", ["Ann"], "Ann!"],
    ["wrapsTwice", ["Ann"], "Ann!"],
    ["wrapsValue", ["Ann"], "Hello, Ann"],
    ["wrapsValue", ["Ann", "Hi"], "Hi, Ann"],
    ["wrapsNothing", [], null],
    ["wrapsOne", ["a", "b"], [500, "Cannot call wrapsOne: it takes 1 argument, and received 2."]],
    ["wrapsAsync", ["Ann"], "Hello, Ann"],
    ["wrapsError", [], [500, "failed"]],
    ["decoratesCallback", ["Ann"], "Ann!"],
    ["decoratesValue", ["Ann"], "Hello, Ann"],
    ["bound", ["Ann"], "Ann!"],
    ["boundAsync", ["Ann"], "Ann!"],
    ["boundValue", ["Ann", "Hi"], "Hi, Ann"],
    ["afterwards", [], ["apply", "call", "apply", 0]],
  ])("%s %j", async (method, args, expected) => {
    expect(await call(`/methods/${method}`, args)).toEqual(expected);
    expect(await call(`/methods/${method}`, args)).toEqual(expected);
  });
});

it("a hook has the module's exports as this, and a falsy error is none", async () => {
  expect(await call("/methods/a%20room/opened")).toBe("a room");
});

describe("a streaming method answers with", () => {
  it.each([
    ["usesThisChan", '"Hello, a"\n"Hello, b"\n'],
    ["returnsStreamChan", '"A"\n"B"\n'],
    ["returnsPipeChan", '"A"\n"B"\n'],
    ["returnsOtherPipeChan", '"A"\n"B"\n'],
    ["returnsNothingChan", '"A"\n"B"\n'],
    [
      "mapChan",
      '"Cannot send a message of the stream: message.tags is a Map. Send Object.fromEntries(map), or [...map]."',
    ],
  ])("%s", async (method, expected) => {
    expect(await stream(`/methods/${method}`, [[], "a", "b"])).toBe(expected);
  });
});

it("a service with the original's package leveros gets this Lever's, with a warning", async () => {
  const files = {
    "server.js": `exports.isOurs = () => typeof require("leveros").callContext;`,
    "node_modules/leveros/package.json": `{"name": "leveros", "version": "0.1.3", "main": "index.js"}`,
    "node_modules/leveros/index.js": `throw new Error("no gRPC");`,
  };
  const report = await deployService(lever, testService(files, { name: "old", jsEntry: "server" }));
  expect(report.warnings).toEqual([expect.stringContaining("of the original Lever OS (0.1.3)")]);
  expect(await call("/old/isOurs")).toBe("function");
});

describe("a default export of an instance", () => {
  it("its methods have the instance as this", async () => {
    expect(await call("/instance/greet", ["Ann"])).toBe("Hi, Ann");
    expect(await stream("/instance/countChan", [[2]])).toBe('"Hi, 1"\n"Hi, 2"\n');
  });

  it("named exports beside it are methods, too", async () => {
    expect(await call("/instance/version")).toBe(1);
  });
});

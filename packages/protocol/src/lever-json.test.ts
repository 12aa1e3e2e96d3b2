import { describe, expect, it } from "vitest";
import { parseLeverJson } from "./lever-json.ts";

const errorsOf = (value: unknown): readonly string[] => {
  const outcome = parseLeverJson(typeof value === "string" ? value : JSON.stringify(value));
  return outcome.ok ? [] : outcome.errors;
};
const good = { name: "abc", jsEntry: "server.js" };

describe("lever.json", () => {
  it("every field of lever.json except the name has a default", () => {
    expect(parseLeverJson('\uFEFF{"name": "abc", "jsEntry": "./././a.ts"}')).toEqual({
      ok: true,
      warnings: [],
      leverJson: {
        name: "abc",
        description: "",
        jsEntry: "a.ts",
        entry: undefined,
        static: undefined,
        staticFallback: undefined,
        private: false,
        maxInstanceLoad: 10,
        minInstances: 0,
        maxInstances: undefined,
        ram: 128,
        maxCpu: undefined,
        config: {},
      },
    });
    const outcome = parseLeverJson('{"name": "abc"}');
    expect(outcome.ok && outcome.leverJson.entry).toEqual(["./serve"]);
  });

  it.each([
    [{ name: "ab" }, "name", '"ab"', "3 to 255 of A-Z a-z 0-9 - _ . ~"],
    [{ name: "a b" }, "name", '"a b"', "3 to 255 of A-Z a-z 0-9 - _ . ~"],
    [{ name: "...." }, "name", '"...."', "3 to 255 of A-Z a-z 0-9 - _ . ~"],
    [{ ...good, description: 1 }, "description", "1", "a string"],
    [
      { ...good, jsEntry: "/a.js" },
      "jsEntry",
      '"/a.js"',
      "the path of a .js .mjs .cjs .ts .mts .cts .tsx or .jsx file inside the service folder",
    ],
    [
      { ...good, jsEntry: "a.py" },
      "jsEntry",
      '"a.py"',
      "the path of a .js .mjs .cjs .ts .mts .cts .tsx or .jsx file inside the service folder",
    ],
    [{ name: "abc", entry: [""] }, "entry", '[""]', "a list of strings, the first one not empty"],
    [
      { name: "abc", entry: ["a", 1] },
      "entry",
      '["a",1]',
      "a list of strings, the first one not empty",
    ],
    [
      { ...good, static: "public", staticFallback: "../server.js" },
      "staticFallback",
      '"../server.js"',
      "the path of a file inside the folder of static",
    ],
    [{ name: "abc", http: [] }, "http", "[]", "a list of strings, the first one not empty"],
    [
      { name: "abc", http: ["a"], httpReady: "ready" },
      "httpReady",
      '"ready"',
      "a path that begins with /",
    ],
    [
      { ...good, httpResource: "path:0" },
      "httpResource",
      '"path:0"',
      "path:1 to path:9, cookie:<name>, or header:<name in lower case>",
    ],
    [
      { ...good, httpBodyBytesMax: -1 },
      "httpBodyBytesMax",
      "-1",
      "a whole number of bytes, 0 or more",
    ],
    [{ ...good, private: 1 }, "private", "1", "true or false"],
    [{ ...good, maxInstanceLoad: 0 }, "maxInstanceLoad", "0", "a number greater than 0"],
    [{ ...good, minInstances: -1 }, "minInstances", "-1", "a whole number, 0 or more"],
    [{ ...good, maxInstances: 0 }, "maxInstances", "0", "a whole number, 1 or more"],
    [{ ...good, maxCpu: 0 }, "maxCpu", "0", "a number of processors, 0.01 or more"],
    [{ ...good, ram: "128" }, "ram", '"128"', "a whole number of megabytes, 1 or more"],
    [{ ...good, config: [] }, "config", "[]", "an object"],
  ])(
    "lever.json %j is refused with field, value and allowed values",
    (value, field, found, allowed) => {
      expect(errorsOf(value)).toEqual([
        `lever.json: field ${field} is ${found}; allowed is ${allowed}.`,
      ]);
    },
  );

  it.each(["/public", "../public", "a/../b", ".", "", "a\\b", "a\0"])(
    "the folder %j is no folder of static",
    (folder) => {
      expect(errorsOf({ ...good, static: folder })).toEqual([
        `lever.json: field static is ${JSON.stringify(folder)}; allowed is the path of a folder inside the service folder.`,
      ]);
    },
  );

  it("parseLeverJson reports all violations together", () => {
    expect(errorsOf({ jsEntry: "a.js", entry: ["b"], ram: 0 })).toEqual([
      "lever.json: field ram is 0; allowed is a whole number of megabytes, 1 or more.",
      "lever.json: field name is missing; allowed is 3 to 255 of A-Z a-z 0-9 - _ . ~.",
      "lever.json: fields entry and jsEntry are both set; allowed is one of them.",
    ]);
    expect(errorsOf({ ...good, minInstances: 3, maxInstances: 2 })).toEqual([
      "lever.json: field minInstances is 3; allowed is at most maxInstances, 2.",
    ]);
  });

  it("a service with files needs no program, and then has no instances", () => {
    const files = { name: "abc", static: "./public/", staticFallback: "./index.html" };
    const outcome = parseLeverJson(JSON.stringify(files));
    expect(outcome.ok && outcome.leverJson).toMatchObject({
      static: "public",
      staticFallback: "index.html",
      jsEntry: undefined,
      entry: undefined,
    });
    expect(errorsOf({ ...files, jsEntry: "a.js" })).toEqual([]);
    expect(errorsOf({ ...files, minInstances: 1 })).toEqual([
      "lever.json: field minInstances is 1; allowed is 0 for a service that has only files.",
    ]);
    expect(errorsOf({ ...good, staticFallback: "index.html" })).toEqual([
      "lever.json: field staticFallback is set without static, the folder that it is in.",
    ]);
  });

  it.each<[object, string]>([
    [{ ...good, http: ["a"] }, "fields jsEntry and http are both set; allowed is one of them."],
    [
      { name: "abc", entry: ["a"], http: ["a"] },
      "fields entry and http are both set; allowed is one of them.",
    ],
    [
      { ...good, httpReady: "/" },
      "field httpReady is set without http, the program that it is for.",
    ],
    [
      { name: "abc", entry: ["a"], httpResource: "path:1" },
      "field httpResource is set with entry, which gets no HTTP requests.",
    ],
  ])("lever.json %j is refused for two fields together", (value, error) => {
    expect(errorsOf(value)).toEqual([`lever.json: ${error}`]);
  });

  it("a service with http has no entry", () => {
    const outcome = parseLeverJson('{"name": "abc", "http": ["node", "server.js"]}');
    expect(outcome.ok && outcome.leverJson).toMatchObject({
      http: ["node", "server.js"],
      entry: undefined,
      jsEntry: undefined,
    });
  });

  it("null counts as an absent field, and so does an empty entry", () => {
    const absent = { description: null, entry: [], maxInstances: null, ram: null, config: null };
    const outcome = parseLeverJson(JSON.stringify({ ...good, ...absent }));
    expect(outcome).toEqual(parseLeverJson(JSON.stringify(good)));
    expect(errorsOf({ ...good, name: null })).toEqual([
      "lever.json: field name is missing; allowed is 3 to 255 of A-Z a-z 0-9 - _ . ~.",
    ]);
    const program = parseLeverJson(JSON.stringify({ name: "abc", jsEntry: null, entry: [] }));
    expect(program.ok && program.leverJson.entry).toEqual(["./serve"]);
  });

  it.each(["[", '{"a":'])("a lever.json of 100,000 times %s is refused by its depth", (open) => {
    expect(errorsOf(open.repeat(100_000))).toEqual([
      "lever.json: the file is nested 100000 levels deep; allowed is 100.",
    ]);
  });

  it("brackets in strings of lever.json are no nesting", () => {
    const description = '[{"\\'.repeat(1_000);
    expect(errorsOf({ ...good, description })).toEqual([]);
  });

  it("a lever.json that is not an object is refused", () => {
    expect(errorsOf("nonsense")[0]).toMatch(/^lever\.json: the file is not JSON: /);
    expect(errorsOf("[1]")).toEqual(["lever.json: the file holds [1]; allowed is an object."]);
  });

  it("an unknown field of lever.json is a warning that suggests a known one", () => {
    const outcome = parseLeverJson(
      JSON.stringify({ ...good, $schema: "x", Ram: 1, jsentry: "", zzz: 1, __proto: {} }),
    );
    expect(outcome.ok && outcome.warnings).toEqual([
      'lever.json: field "Ram" is unknown and has no effect. Did you mean ram?',
      'lever.json: field "jsentry" is unknown and has no effect. Did you mean jsEntry?',
      'lever.json: field "zzz" is unknown and has no effect.',
      'lever.json: field "__proto" is unknown and has no effect.',
    ]);
  });
});

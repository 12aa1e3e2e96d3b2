import { type LeverJson, parseLeverJson } from "@leveros/protocol";
import { ownMemory } from "../own-memory.ts";
import type { FuzzTarget, Subject } from "../target.ts";

export const leverJson: FuzzTarget = {
  name: "lever-json",
  async open(): Promise<Subject> {
    return {
      corpus: { inputs: inputs(), words: WORDS, encode: (parts) => Buffer.concat(parts) },
      inputsAtOnce: 1,
      feed(bytes) {
        const outcome = parseLeverJson(bytes.toString("utf8"));
        if (outcome.ok) {
          expectSound(outcome.leverJson);
          expectAboutFile(outcome.warnings);
        } else {
          if (outcome.errors.length === 0) throw new Error("it is refused without a reason");
          expectAboutFile(outcome.errors);
        }
      },
      async check() {
        const outcome = parseLeverJson('{"name": "fuzz", "jsEntry": "./server.js"}');
        if (!outcome.ok || outcome.leverJson.jsEntry !== "server.js") {
          throw new Error(`what is valid is read as ${JSON.stringify(outcome)}`);
        }
      },
      measure: async () => [await ownMemory()],
      async [Symbol.asyncDispose]() {},
    };
  },
};

/** Each sentence names the file and is short, whatever it is about. */
function expectAboutFile(sentences: readonly string[]): void {
  for (const sentence of sentences) {
    if (!sentence.startsWith("lever.json: ") || sentence.length > 1_000) {
      throw new Error(`it says ${JSON.stringify(sentence.slice(0, 300))}`);
    }
  }
}

/** Checks the properties on which users of an accepted lever.json rely. */
function expectSound(of: LeverJson): void {
  const { jsEntry, entry, maxInstances = of.minInstances } = of;
  const isSound =
    /^[A-Za-z0-9_.~-]{3,255}$/.test(of.name) &&
    !/^\.+$/.test(of.name) &&
    typeof of.description === "string" &&
    (jsEntry === undefined) !== (entry === undefined) &&
    (jsEntry === undefined || !jsEntry.split("/").includes("..")) &&
    (entry === undefined || (entry.length > 0 && entry.every((word) => !word.includes("\0")))) &&
    typeof of.private === "boolean" &&
    of.maxInstanceLoad > 0 &&
    Number.isSafeInteger(of.minInstances) &&
    of.minInstances >= 0 &&
    Number.isSafeInteger(maxInstances) &&
    maxInstances >= of.minInstances &&
    Number.isSafeInteger(of.ram) &&
    of.ram >= 1 &&
    typeof of.config === "object" &&
    of.config !== null;
  if (!isSound) throw new Error(`it is accepted as ${JSON.stringify(of).slice(0, 500)}`);
}

/** Valid files, a part for each piece that means something by itself. */
function inputs(): Buffer[][] {
  const files = [
    { name: "fuzz", jsEntry: "server.js" },
    {
      $schema: "../lever-schema.json",
      name: "a-b_c.d~e",
      description: "What it does \u{1f680}",
      entry: ["./serve", "--port", "3837"],
      private: true,
      maxInstanceLoad: 2.5,
      minInstances: 1,
      maxInstances: 7,
      ram: 256,
      config: { nested: [{ deep: null }, 1e3] },
    },
    { name: "abc", jsEntry: "./dist/main.mjs", Ram: 5, maxInstance: 2 },
  ];
  return files.map((file) => {
    const text = JSON.stringify(file, null, 1);
    return (text.match(/"(?:[^"\\]|\\.)*"|[\w.+-]+|\s+|[^\s\w]/g) ?? []).map((piece) =>
      Buffer.from(piece),
    );
  });
}

const WORDS = [
  "\ufeff",
  "\0",
  "\xff",
  "[",
  "]",
  "{",
  "}",
  ",",
  ":",
  '"',
  "\\",
  "\\u0000",
  "\\ud800",
  "null",
  "true",
  "-1",
  "0",
  "1.5",
  "1e999",
  "9007199254740993",
  '""',
  '"name"',
  '"jsEntry"',
  '"entry"',
  '"private"',
  '"maxInstanceLoad"',
  '"minInstances"',
  '"maxInstances"',
  '"ram"',
  '"config"',
  '"__proto__"',
  '"constructor"',
  '"toString"',
  "..",
  "../x.js",
  "/abs.js",
  "a\\\\b.js",
  ".ts",
  "[".repeat(5_000),
  "x".repeat(20_000),
];

import { formatFrame, type LogLevel } from "@leveros/protocol";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../../tests/harness/seeded-random.ts";
import { OutputRecords } from "./output-records.ts";

type Read = readonly [level: LogLevel, call: string, text: string];

/** The records that are read from these chunks of standard output. */
function recordsOf(...chunks: readonly (string | Buffer)[]): readonly Read[] {
  const found: Read[] = [];
  const records = new OutputRecords({
    level: "info",
    recordBytesMax: 100,
    onRecord: ({ level, call, text }) => found.push([level, call, text.toString()]),
    isDropping: () => false,
    onDropped: () => {},
  });
  for (const chunk of chunks) records.push(Buffer.from(chunk));
  records.end();
  return found;
}

const frame = (text: string, level: LogLevel = "info", call = ""): string =>
  formatFrame({ call, level, bytes: Buffer.byteLength(text) }) + text;

describe("output that is read", () => {
  const printed = `before\n${frame("one\ntwo\n", "error", "k7-1z")}between\n${frame("é three\n")}after`;
  const records: readonly Read[] = [
    ["info", "", "before"],
    ["error", "k7-1z", "one\ntwo"],
    ["info", "", "between"],
    ["info", "", "é three"],
    ["info", "", "after"],
  ];

  it("has a record for each frame, and for each line outside of frames", () => {
    expect(recordsOf(printed)).toEqual(records);
  });

  it("has the same records wherever its chunks end", () => {
    const bytes = Buffer.from(printed);
    expect(recordsOf(...Array.from(bytes, (byte) => Buffer.from([byte])))).toEqual(records);
    for (let at = 1; at < bytes.length; at++) {
      expect(recordsOf(bytes.subarray(0, at), bytes.subarray(at))).toEqual(records);
    }
  });

  it("joins frames of one call until a line break", () => {
    const printed = [
      frame("on", "info", "a"),
      frame("e\n", "info", "a"),
      frame("two\n", "info", "b"),
    ];
    expect(recordsOf(...printed)).toEqual([
      ["info", "a", "one"],
      ["info", "b", "two"],
    ]);
  });

  it("does not join frames of different calls", () => {
    expect(recordsOf(frame("one", "info", "a"), frame("two", "info", "b"))).toEqual([
      ["info", "a", "one"],
      ["info", "b", "two"],
    ]);
  });

  it("has a line that goes on behind a frame as one line", () => {
    expect(recordsOf("be", frame("amid\n"), "gun\n")).toEqual([
      ["info", "", "amid"],
      ["info", "", "begun"],
    ]);
  });

  it.each([
    ["\x1enothing", "\x1enothing"],
    ["\x1ea;9;4\x1ftext", "\x1ea;9;4\x1ftext"],
    ["\x1e;1;99999999\x1f", "\x1e;1;99999999\x1f"],
    [`\x1e${"x".repeat(98)}\x1f`, `\x1e${"x".repeat(98)}\x1f`],
  ])("has what only looks like a frame as it is: %j", (printed, text) => {
    expect(recordsOf(printed)).toEqual([["info", "", text]]);
  });

  it.each<[string, LogLevel]>([
    ['{"level":50,"msg":"no"}', "error"],
    ['{"level":"warn","message":"no"}', "warn"],
    ['{"severity": "DEBUG"}', "debug"],
    ['{"msg":"level"}', "info"],
  ])("takes the level from a line of JSON: %s", (line, level) => {
    expect(recordsOf(`${line}\n`)).toEqual([[level, "", line]]);
  });

  it("is the same in pieces, whatever its bytes are", () => {
    const random = seededRandom(7);
    const alphabet = [0x1e, 0x1f, 0x3b, 0x31, 0x30, 0x0a, 0x7b, 0x61, 0xc3];
    for (let round = 0; round < 500; round++) {
      const bytes = Buffer.from(
        Array.from({ length: 60 }, () => alphabet[Math.floor(random() * alphabet.length)] ?? 0),
      );
      const at = Math.floor(random() * bytes.length);
      const inPieces = recordsOf(bytes.subarray(0, at), bytes.subarray(at));
      expect(inPieces, bytes.toString("hex")).toEqual(recordsOf(bytes));
    }
  });

  it("takes the call from a line of JSON", () => {
    expect(recordsOf('{"lever-call": "k7-1z"}')[0]?.[1]).toBe("k7-1z");
  });
});

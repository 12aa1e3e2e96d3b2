import { expect, it } from "vitest";
import { seededRandom } from "../../../../../../tests/harness/seeded-random.ts";
import { StreamedBody } from "./streamed-body.ts";

const LINE_BYTES_MAX = 64;

interface Outcome {
  readonly content: string;
  readonly state: "open" | "complete" | "malformed";
  /** The bytes after the body. */
  readonly rest: string;
}

/** Reads a text in pieces of so many bytes. */
function read(text: string, pieceBytes = text.length, bytes?: number): Outcome {
  const body = new StreamedBody({ bytes, lineBytesMax: LINE_BYTES_MAX });
  let content = "";
  let at = 0;
  for (let end = pieceBytes; at < text.length; end += pieceBytes) {
    at += body.read(Buffer.from(text.slice(at, end), "latin1"));
    content += body.content.toString("latin1");
    if (body.isComplete || body.isMalformed) break;
  }
  const state = body.isComplete ? "complete" : body.isMalformed ? "malformed" : "open";
  return { content, state, rest: state === "complete" ? text.slice(at) : "" };
}

it.each([
  ["one chunk", "3\r\nabc\r\n0\r\n\r\n", "abc", ""],
  ["several chunks", "1\r\na\r\n2\r\nbc\r\n3\r\ndef\r\n0\r\n\r\n", "abcdef", ""],
  [
    "sizes of more digits",
    "00A\r\n0123456789\r\n0a\r\n0123456789\r\n000\r\n\r\n",
    "01234567890123456789",
    "",
  ],
  ["extensions", '3;a=b;c="d e"\r\nabc\r\n0;last\r\n\r\n', "abc", ""],
  ["trailers", "3\r\nabc\r\n0\r\na: b\r\nx-sum:\r\n\r\n", "abc", ""],
  ["no content", "0\r\n\r\n", "", ""],
  ["a request behind it", "3\r\nabc\r\n0\r\n\r\nPOST / HTTP/1.1", "abc", "POST / HTTP/1.1"],
])("a body in chunks is read with %s, in pieces of any size", (_what, text, content, rest) => {
  for (let size = 1; size <= text.length; size++) {
    expect(read(text, size)).toEqual({ content, state: "complete", rest });
  }
});

it.each([
  ["no size", "\r\n"],
  ["a size that is no number", "g\r\n"],
  ["a sign", "+3\r\nabc\r\n"],
  ["a space before a size", " 3\r\nabc\r\n"],
  ["a space behind a size", "3 \r\nabc\r\n"],
  ["a size over all limits", "10000000000000\r\n"],
  ["a line that ends with LF only", "3\nabc\r\n"],
  ["a CR within a line", "3\r;\r\n"],
  ["a control character in an extension", "3;a\0\r\n"],
  ["a long extension", `3;${"a".repeat(LINE_BYTES_MAX)}\r\n`],
  ["a long extension without an end", `3;${"a".repeat(LINE_BYTES_MAX)}`],
  ["more bytes than its size", "3\r\nabcd\r\n"],
  ["an LF behind the bytes", "3\r\nabc\n"],
  ["a trailer without a colon", "0\r\nabc\r\n"],
  ["a trailer that begins with a space", "0\r\n a: b\r\n"],
  ["too many trailers", `0\r\n${"a: b\r\n".repeat(20)}\r\n`],
])("a chunk with %s is malformed, in pieces of any size", (_what, text) => {
  for (let size = 1; size <= text.length; size++) {
    expect(read(text, size).state).toBe("malformed");
  }
});

it.each(["z", "3x", "3\rx", "3\r\nabcx"])("%j is malformed before its line ends", (text) => {
  expect(read(text).state).toBe("malformed");
});

it("a body of known length ends there", () => {
  for (let size = 1; size <= 12; size++) {
    expect(read("0\r\n\r\nabcnext", size, 8)).toEqual({
      content: "0\r\n\r\nabc",
      state: "complete",
      rest: "next",
    });
  }
});

it("chunks of any sizes give the same content", () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = seededRandom(seed);
    const parts = Array.from({ length: 20 }, (_, index) =>
      String.fromCharCode(97 + index).repeat(1 + Math.floor(random() ** 3 * 2_000)),
    );
    const text = parts.map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join("");
    const size = 1 + Math.floor(random() * 5_000);
    expect(read(`${text}0\r\n\r\n`, size)).toEqual({
      content: parts.join(""),
      state: "complete",
      rest: "",
    });
  }
});

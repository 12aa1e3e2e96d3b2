import { describe, expect, it } from "vitest";
import { newMemory } from "../../new-memory.ts";
import { ChunkedBody } from "./chunked-body.ts";

const BYTES_MAX = 20;

/** Sends the pieces one after another; bytes that are not read come again with the next piece. */
function receive(...pieces: string[]): { body: ChunkedBody; unread: string } {
  const body = new ChunkedBody(BYTES_MAX, newMemory);
  let unread = "";
  for (const piece of pieces) {
    unread += piece;
    if (body.isIrregular) continue;
    unread = unread.slice(body.receive(Buffer.from(unread, "latin1")));
  }
  return { body, unread };
}

describe.each<[string, string, string]>([
  ["one chunk", "3\r\n[1]\r\n0\r\n\r\n", "[1]"],
  ["several chunks", "1\r\n[\r\n02\r\n12\r\n1\r\n]\r\n0\r\n\r\n", "[12]"],
  ["a chunk of more than nine bytes", "A\r\n0123456789\r\n0\r\n\r\n", "0123456789"],
  ["hexadecimal digits in both cases", "0f\r\n0123456789abcde\r\n00\r\n\r\n", "0123456789abcde"],
  ["chunks that look like framing", "5\r\n\r\n0\r\n\r\n0\r\n\r\n", "\r\n0\r\n"],
  ["no byte", "0\r\n\r\n", ""],
])("a body of %s", (_name, sent, expected) => {
  it("the body is complete with its last byte, and takes none of the next request", () => {
    const { body, unread } = receive(`${sent}POST`);
    expect(body).toMatchObject({ isComplete: true, isIrregular: false });
    expect(body.arriving.body.toString()).toBe(expected);
    expect(unread).toBe("POST");
  });

  it("the body is the same byte by byte, and wherever it is cut", () => {
    const cuts = Array.from(sent, (_byte, cut) => [sent.slice(0, cut), sent.slice(cut)]);
    for (const pieces of [[...sent], ...cuts]) {
      const { body, unread } = receive(...pieces);
      expect([body.isComplete, body.arriving.body.toString(), unread]).toEqual([
        true,
        expected,
        "",
      ]);
    }
  });

  it("the body is not complete before its last byte", () => {
    for (let end = 0; end < sent.length; end++) {
      expect(receive(sent.slice(0, end)).body).toMatchObject({
        isComplete: false,
        isIrregular: false,
      });
    }
  });
});

it.each([
  ["an extension", "3;a=b\r\n[1]", "3;a=b\r\n[1]"],
  ["an extension of the last chunk", "3\r\n[1]\r\n0;a\r\n", "3\r\n[1]\r\n0;a\r\n"],
  ["a trailer", "3\r\n[1]\r\n0\r\nX: y\r\n\r\n", "3\r\n[1]\r\n0\r\nX: y\r\n\r\n"],
  ["a trailer after two chunks", "1\r\n[\r\n1\r\n]\r\n0\r\nX", "2\r\n[]\r\n0\r\nX"],
  ["no number", "1\r\n[\r\nzz\r\n", "1\r\n[\r\nzz\r\n"],
  ["a sign", "+3\r\n[1]", "+3\r\n[1]"],
  ["a number of nine digits", "000000003\r\n[1]", "000000003\r\n[1]"],
  ["a bare LF", "3\n[1]\n0\n\n", "3\n[1]\n0\n\n"],
  ["a bare CR", "3\r[1]", "3\r[1]"],
  ["more bytes than its number", "3\r\n[1]]\r\n", "3\r\n[1]]\r\n"],
  ["a chunk over the limit", "ffffffff\r\n[1]", "ffffffff\r\n[1]"],
  ["chunks over the limit", "3\r\n[1]\r\n12\r\n[1]", "3\r\n[1]\r\n12\r\n[1]"],
])("a body with %s is given back with the same meaning", (_name, sent, expected) => {
  for (let cut = 0; cut < sent.length; cut++) {
    const { body, unread } = receive(sent.slice(0, cut), sent.slice(cut));
    expect(body).toMatchObject({ isComplete: false, isIrregular: true });
    expect(Buffer.concat([...body.restore()]).toString() + unread).toBe(expected);
  }
});

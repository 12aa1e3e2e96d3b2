import { PAYLOAD_BYTES, PAYLOAD_JSON } from "@leveros/protocol";
import { expect, it } from "vitest";
import { parseResponseHead } from "./response-head.ts";

const parse = (head: unknown): ReturnType<typeof parseResponseHead> =>
  parseResponseHead(PAYLOAD_JSON, Buffer.from(JSON.stringify(head)), 100);

it("a head has the fields of the service, except those of a connection and Lever's own", () => {
  const fields = [
    "a",
    "1",
    "set-cookie",
    "b",
    "set-cookie",
    "c",
    "connection",
    "x-hop",
    "x-hop",
    "1",
  ];
  expect(parse([200, [...fields, "date", "x", "content-length", "7"]])).toEqual({
    status: 200,
    headers: { a: "1", "set-cookie": ["b", "c"] },
    contentLength: 7,
  });
  const hidden = ["lever-error", "platform", "transfer-encoding", "chunked"];
  expect(parse([204, hidden])).toEqual({ status: 204, headers: {}, contentLength: undefined });
});

it.each<[string, unknown]>([
  ["no list", { status: 200 }],
  ["a status below 200", [101, []]],
  ["a status over 599", [600, []]],
  ["a status that is no integer", [200.5, []]],
  ["no fields", [200]],
  ["a name without a value", [200, ["a"]]],
  ["a value that is no text", [200, ["a", 1]]],
  ["a name with a space", [200, ["a b", "1"]]],
  ["a name in capitals", [200, ["A", "1"]]],
  ["a value with a line break", [200, ["a", "1\r\nb: 2"]]],
  ["a value beyond latin1", [200, ["a", "\u2603"]]],
  ["fields over the limit", [200, ["a", "x".repeat(200)]]],
  ["a head over the limit", [200, ["a", "x".repeat(2_000)]]],
])("a head with %s is refused", (_what, head) => {
  expect(parse(head)).toBeTypeOf("string");
});

it("a head that is no JSON is refused", () => {
  expect(parseResponseHead(PAYLOAD_JSON, Buffer.from("{"), 100)).toBeTypeOf("string");
  expect(parseResponseHead(PAYLOAD_BYTES, Buffer.from("[200,[]]"), 100)).toBeTypeOf("string");
});

it.each(["1, 1", "-1", "0x1", "1e3"])("a false content-length %s counts as none", (length) => {
  expect(parse([200, ["content-length", length]])).toMatchObject({ contentLength: undefined });
});

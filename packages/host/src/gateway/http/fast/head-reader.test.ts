import { defaultLimits } from "@leveros/protocol";
import { expect, it } from "vitest";
import { HeadReader } from "./head-reader.ts";
import { KnownHeads } from "./known-heads.ts";

const POST = "POST /svc/method HTTP/1.1\r\nhost: dev.lever\r\n";
const socket = { remoteAddress: "192.0.2.1", localAddress: "192.0.2.2" };

function reader(headerBytesMax = 100, known = new KnownHeads()): HeadReader {
  return new HeadReader({ ...defaultLimits, headerBytesMax }, socket, known);
}

it.each([
  ["the beginning of a head", POST, "incomplete"],
  ["a head without its last byte", `${POST}\r`, "incomplete"],
  ["a head of another method", "GET / HTTP/1.1\r\nhost: dev.lever\r\n\r\n", "notPlain"],
  ["a head over the limit", `${POST}x: ${"y".repeat(60)}\r\n\r\n`, "notPlain"],
  ["the beginning of a head over the limit", `${POST}x: ${"y".repeat(60)}`, "notPlain"],
])("%s is %s", (_name, text, expected) => {
  expect(reader().read(Buffer.from(text))).toBe(expected);
});

it("a head ends before the body", () => {
  const text = `${POST}content-length: 5\r\n\r\n`;
  expect(reader().read(Buffer.from(`${text}12345POST`))).toMatchObject({
    headBytes: text.length,
    head: { bodyBytes: 5 },
  });
});

it("a head becomes a call for admission", () => {
  expect(reader().read(Buffer.from(`${POST}lever-timeout: 2s\r\n\r\n`))).toMatchObject({
    incoming: {
      door: "http",
      target: { environment: "dev.lever", service: "svc", resource: "", method: "method" },
      request: { method: "POST", headers: { host: "dev.lever" }, socket },
      isStream: false,
      askedMs: 2_000,
    },
  });
});

it("a head that a proxy forwards is marked", () => {
  for (const [field, isForwarded] of [
    ["Via: 1.1 proxy", true],
    ["X-Real-IP: 127.0.0.1", true],
    ["X-Forwarded-Port: 80", true],
    ["X-Other: y", false],
  ] as const) {
    const read = reader(200).read(Buffer.from(`${POST}${field}\r\n\r\n`));
    expect(read).toMatchObject({ incoming: { request: { isForwarded } } });
  }
});

it("a repeated head is not parsed again", () => {
  const heads = reader();
  const first = heads.read(Buffer.from(`${POST}\r\n`));
  expect(heads.read(Buffer.from(`${POST}\r\nbody`))).toBe(first);
});

it.each([
  ["another head of the same length", `${POST.replace("method", "METHOD")}\r\n`],
  ["a longer head", `${POST}x: y\r\n\r\n`],
])("%s is parsed", (_name, text) => {
  const heads = reader();
  const first = heads.read(Buffer.from(`${POST}\r\n`));
  const second = heads.read(Buffer.from(text));
  expect(second).not.toBe(first);
  expect(second).toMatchObject({ headBytes: text.length });
});

it("the beginning of a repeated head is incomplete", () => {
  const heads = reader();
  heads.read(Buffer.from(`${POST}\r\n`));
  expect(heads.read(Buffer.from(POST))).toBe("incomplete");
});

it("fields that equal the last ones are not parsed again", () => {
  const heads = reader();
  const first = heads.read(Buffer.from(`${POST}\r\n`));
  const text = `${POST.replace("/svc", "/svc/room/7")}\r\n`;
  const second = heads.read(Buffer.from(`${text}body`));
  expect(second).toMatchObject({
    headBytes: text.length,
    incoming: { target: { service: "svc", resource: "room/7", method: "method" } },
  });
  if (typeof first === "string" || typeof second === "string") throw new Error("It is not plain.");
  expect(second.head.headers).toBe(first.head.headers);
});

it.each([
  ["another method", "POST /svc/other HTTP/1.1"],
  ["another environment", "POST /svc/method?forceenv=test HTTP/1.1"],
  ["a time in its query", "POST /svc/method?timeout=3s HTTP/1.1"],
  ["a malformed time in its query", "POST /svc/method?timeout=soon HTTP/1.1"],
  ["a longer path within the limit", `POST /svc/${"r".repeat(40)}/method HTTP/1.1`],
  ["a path over the limit", `POST /svc/${"r".repeat(50)}/method HTTP/1.1`],
  ["a streaming method", "POST /svc/methodChan HTTP/1.1"],
  ["a broken escape", "POST /svc/%zz/method HTTP/1.1"],
  ["no method", "POST /svc HTTP/1.1"],
  ["another HTTP method", "GET /svc/method HTTP/1.1"],
  ["another version", "POST /svc/method HTTP/1.0"],
  ["an empty line before it", "\r\nPOST /svc/method HTTP/1.1"],
  ["a field before those", "POST /svc/method HTTP/1.1\r\nx: y"],
  ["a line feed in its path", "POST /svc\n/method HTTP/1.1"],
  ["nothing before its fields", ""],
])("a head with the last fields and %s is read as it would be alone", (_name, line) => {
  const fields = "\r\nhost: dev.lever\r\n\r\n";
  const heads = reader();
  heads.read(Buffer.from(`POST /svc/method HTTP/1.1${fields}`));
  const text = `${line}${fields}`;
  expect(heads.read(Buffer.from(text))).toEqual(reader().read(Buffer.from(text)));
  expect(heads.read(Buffer.from(text))).toEqual(reader().read(Buffer.from(text)));
});

it("a head that follows a shorter and a longer one is read as it would be alone", () => {
  const heads = reader();
  for (const resource of ["a", "abc", "ab", "abcd", "a"]) {
    const text = Buffer.from(`${POST.replace("/svc", `/svc/${resource}`)}\r\n`);
    expect(heads.read(text)).toEqual(reader().read(text));
  }
});

it("a head that another connection has sent is not parsed again", () => {
  const known = new KnownHeads();
  const first = reader(100, known).read(Buffer.from(`${POST}\r\n`));
  const second = reader(100, known).read(Buffer.from(`${POST}\r\nbody`));
  if (typeof first === "string" || typeof second === "string") throw new Error("It is not plain.");
  expect(second.head).toBe(first.head);
});

it("a connection that sends another head changes nothing for those with the same one", () => {
  const known = new KnownHeads();
  const [one, other] = [reader(100, known), reader(100, known)];
  const text = Buffer.from(`${POST}\r\n`);
  const first = one.read(text);
  other.read(text);
  for (const name of ["a", "abc"]) {
    other.read(Buffer.from(`${POST.replace("/svc", `/svc/${name}`)}\r\n`));
  }
  expect(one.read(text)).toBe(first);
  expect(other.read(text)).toEqual(first);
});

it("the number of heads that are kept for other connections is bounded", () => {
  const known = new KnownHeads();
  const text = (i: number): Buffer => Buffer.from(`${POST.replace("svc", `svc${i}`)}\r\n`);
  for (let i = 0; i <= 32; i++) reader(100, known).read(text(i));
  expect(known.find(text(0), text(0).length)).toBeUndefined();
  expect(known.find(text(32), text(32).length)).toBeDefined();
});

it("a long head is not kept for other connections", () => {
  const known = new KnownHeads();
  const text = Buffer.from(`${POST}x: ${"y".repeat(2_048)}\r\n\r\n`);
  const first = reader(4_096, known);
  expect(first.read(text)).toBe(first.read(text));
  expect(known.find(text, text.length)).toBeUndefined();
});

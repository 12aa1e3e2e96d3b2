import { defaultLimits } from "@leveros/protocol";
import { expect, it } from "vitest";
import { HeadReader } from "./head-reader.ts";

const POST = "POST /svc/method HTTP/1.1\r\nhost: dev.lever\r\n";
const socket = { remoteAddress: "192.0.2.1", localAddress: "192.0.2.2" };

function reader(headerBytesMax = 100): HeadReader {
  return new HeadReader({ ...defaultLimits, headerBytesMax }, socket);
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

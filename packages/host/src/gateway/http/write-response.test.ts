import { PassThrough } from "node:stream";
import { LeverError } from "@leveros/protocol";
import { expect, it } from "vitest";
import { openHead, writeProblemAndEnd, writeToSocket } from "./write-response.ts";

it("a head ends with the content-length, whose value follows", () => {
  const head = openHead(404, {
    "content-length": 9,
    "content-type": "text/plain",
    "retry-after": 1,
  });
  expect(head).toBe(
    "HTTP/1.1 404 Not Found\r\ncontent-type: text/plain\r\nretry-after: 1\r\ncontent-length: ",
  );
});

it.each([10, 16 * 1024, 16 * 1024 + 1])("a body of %i bytes follows its head", (length) => {
  const socket = new PassThrough();
  const body = Buffer.alloc(length, 0xfe);
  writeToSocket(socket, "head\r\n\r\n", body);
  expect(socket.read()).toEqual(Buffer.concat([Buffer.from("head\r\n\r\n"), body]));
});

it("a problem without a response object ends the connection", () => {
  const socket = new PassThrough();
  writeProblemAndEnd(socket, new LeverError("internal", "é"));
  const [head = "", body = ""] = String(socket.read()).split("\r\n\r\n");
  expect(head).toContain("HTTP/1.1 500 Internal Server Error\r\n");
  expect(head).toContain("connection: close");
  expect(head).toContain(`content-length: ${Buffer.byteLength(body)}`);
  expect(socket.writableEnded).toBe(true);
});

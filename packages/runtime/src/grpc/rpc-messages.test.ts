import { decodeValue, PAYLOAD_BYTES, valuePayload } from "@leveros/protocol";
import { expect, it } from "vitest";
import { frameMessage } from "./message-reader.ts";
import {
  decodeReply,
  decodeRpc,
  decodeStreamMessage,
  encodeReply,
  encodeRpc,
  encodeStreamMessage,
  frameBytesHead,
} from "./rpc-messages.ts";

const values: readonly unknown[] = [
  null,
  true,
  -0.5,
  "é",
  [],
  {},
  [1, [null, "a"], { b: [false] }],
  { a: { b: null }, "": 0 },
];

it("arguments are decoded as they were encoded", () => {
  for (const args of [[], values, [[]]]) {
    const { kind, bytes } = decodeRpc(encodeRpc(args));
    expect(decodeValue(kind, bytes)).toEqual(args);
  }
});

it("a single bytes argument stays bytes", () => {
  const { kind, bytes } = decodeRpc(encodeRpc([new Uint8Array([1, 2])]));
  expect([kind, ...bytes]).toEqual([PAYLOAD_BYTES, 1, 2]);
});

it.each(["result", "error"] as const)("a reply of type %s is decoded as it was encoded", (type) => {
  for (const value of [...values, Buffer.from([7])]) {
    const reply = decodeReply(encodeReply({ type, payload: valuePayload(value) }));
    expect(reply.type).toBe(type);
    expect(decodeValue(reply.payload.kind, reply.payload.bytes)).toEqual(value);
  }
});

it.each(["message", "error"] as const)("a stream's %s is decoded as it was encoded", (type) => {
  for (const value of [...values, Buffer.from([7])]) {
    const message = decodeStreamMessage(
      encodeStreamMessage({ type, payload: valuePayload(value) }),
    );
    if (message.type === "empty") throw new Error("The message has no payload.");
    expect(message.type).toBe(type);
    expect(decodeValue(message.payload.kind, message.payload.bytes)).toEqual(value);
  }
});

it("a message without bytes is an empty stream message, and the reply null", () => {
  expect(decodeStreamMessage(encodeStreamMessage({ type: "empty" }))).toEqual({ type: "empty" });
  const { type, payload } = decodeReply(new Uint8Array(0));
  expect([type, decodeValue(payload.kind, payload.bytes)]).toEqual(["result", null]);
});

it("the property __proto__ is an own property of the decoded value", () => {
  const value: unknown = JSON.parse('{"__proto__":{"a":1}}');
  const { payload } = decodeReply(encodeReply({ type: "result", payload: valuePayload(value) }));
  expect(new TextDecoder().decode(payload.bytes)).toBe('{"__proto__":{"a":1}}');
});

it("a value nested deeper than 500 levels is refused in both directions", () => {
  let value: unknown = null;
  for (let depth = 0; depth < 500; depth++) value = [value];
  const reply = encodeReply({ type: "result", payload: valuePayload(value) });
  expect(decodeReply(reply).type).toBe("result");
  expect(() => encodeReply({ type: "result", payload: valuePayload([value]) })).toThrow(
    "Cannot send the value over gRPC: it is nested deeper than 500 levels.",
  );
});

it("a message that is longer than the one that contains it is an error", () => {
  expect(() => decodeReply(new Uint8Array([10, 100, 1]))).toThrow("Cannot read a message");
});

it.each([0, 1, 127, 128, 70_000])("the head of a frame of %i bytes fits the bytes", (length) => {
  const bytes = new Uint8Array(length).fill(7);
  const payload = { kind: PAYLOAD_BYTES, bytes } as const;
  expect(Buffer.concat([frameBytesHead(length), bytes])).toEqual(
    frameMessage(encodeStreamMessage({ type: "message", payload })),
  );
});

import { expect, it } from "vitest";
import { type Caller, LOG_READER, OUTSIDE, PASS_MARKS } from "../call.ts";
import { LINK_VERSION } from "./link-version.ts";
import { decodeOpening, encodeHeader, OPENING_BYTES_MAX } from "./opening.ts";

const target = { environment: "dev.lever", service: "svc", resource: "a/b", method: "m" };
const encode = (caller: Caller, of = target, timeoutMs = 1_000): Uint8Array =>
  encodeHeader({ caller, target: of, timeoutMs }).slice();

it.each<Caller>([
  OUTSIDE,
  LOG_READER,
  { kind: "admin", principal: "local" },
  { kind: "service", environment: "dev.lever", service: "front" },
  { kind: "service", environment: "", service: "\u{1F600} \u0000" },
])("a head is read as it was written, for the caller %j", (caller) => {
  const bytes = Buffer.concat([encode(caller), Buffer.from("[1]")]);
  const { header, body } = decodeOpening(bytes);
  expect(header).toEqual({ caller, target, timeoutMs: 1_000, number: 0, isSampled: false });
  expect(Buffer.from(body).toString()).toBe("[1]");
});

it.each([
  ["the same names", target, target],
  ["names of the same length", target, { ...target, service: "abc", method: "n" }],
  ["other characters after ASCII", target, { ...target, method: "é" }],
  ["ASCII after other characters", { ...target, method: "é" }, { ...target, method: "ee" }],
  ["empty names", target, { environment: "", service: "", resource: "", method: "" }],
])("a head with %s is read for itself", (_name, first, second) => {
  for (const of of [first, second, first]) {
    expect(decodeOpening(encode(OUTSIDE, of)).header.target).toEqual(of);
  }
});

it.each([0, 1, 255, 0xffff_ffff])("a deadline of %d ms is kept", (timeoutMs) => {
  expect(decodeOpening(encode(OUTSIDE, target, timeoutMs)).header.timeoutMs).toBe(timeoutMs);
});

it("a longer deadline is the longest that fits", () => {
  expect(decodeOpening(encode(OUTSIDE, target, 2 ** 40)).header.timeoutMs).toBe(0xffff_ffff);
});

it("a head of six names of the largest size fits, and a larger name is refused", () => {
  const name = "x".repeat(16 * 1024);
  const caller = { kind: "service", environment: name, service: name } as const;
  const largest = { environment: name, service: name, resource: name, method: name };
  const bytes = encode(caller, largest);
  const child = encodeHeader({ caller, target: largest, timeoutMs: 0, parent: 2 });
  expect([child.length, bytes.length]).toEqual([OPENING_BYTES_MAX - 34, OPENING_BYTES_MAX - 38]);
  expect(decodeOpening(bytes).header).toMatchObject({ caller, target: largest });
  expect(() => encode(OUTSIDE, { ...target, method: `${name}x` })).toThrow(
    /over the limit of 16384/,
  );
});

it.each([1, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1])("the number %d of a call is kept", (number) => {
  for (const isSampled of [true, false]) {
    const trace = { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7" };
    const ids = { number, root: number - 1, trace, parent: 7 };
    const call = { caller: OUTSIDE, target, timeoutMs: 0, isSampled, ...ids };
    expect(decodeOpening(encodeHeader(call)).header).toEqual(call);
  }
});

it("a head has the number of its parent only if there is one", () => {
  const child = { caller: OUTSIDE, target, timeoutMs: 0 };
  for (const parent of [undefined, 0, 7, 0xffff_fffe]) {
    const bytes = Buffer.concat([encodeHeader({ ...child, parent }), Buffer.from("[1]")]);
    const { header, body } = decodeOpening(bytes);
    expect([header.parent, Buffer.from(body).toString()]).toEqual([parent, "[1]"]);
  }
});

it.each(PASS_MARKS)("a call that a host has passed on keeps its mark: %s", (mark) => {
  const passedOn = { mark, depth: 7 };
  const bytes = Buffer.concat([
    encodeHeader({ caller: OUTSIDE, target, timeoutMs: 0, parent: 3, passedOn }),
    Buffer.from("[1]"),
  ]);
  const { header, body } = decodeOpening(bytes);
  expect([header.passedOn, Buffer.from(body).toString()]).toEqual([passedOn, "[1]"]);
});

it.each([
  ["no bytes", new Uint8Array(0), /too short/],
  [
    "an earlier version",
    encode(OUTSIDE).fill(1, 0, 1),
    `version is 1; this side reads version ${LINK_VERSION}`,
  ],
  ["an unknown kind of caller", encode(OUTSIDE).fill(9, 1, 2), /no kind of caller 9/],
  [
    "a parent that is cut off",
    encode(OUTSIDE).fill(128, 1, 2),
    /what follows its names runs past its end/,
  ],
  [
    "a mark that is unknown",
    Buffer.concat([encode(OUTSIDE).fill(4, 1, 2), Buffer.from([9, 1])]),
    /its mark is unknown/,
  ],
  ["a name that runs past the end", encode(OUTSIDE).fill(255, 12, 14), /runs past its end/],
])("a head is refused for %s", (_name, bytes, message) => {
  expect(() => decodeOpening(bytes)).toThrow(message);
});

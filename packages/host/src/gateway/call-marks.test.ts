import { expect, it } from "vitest";
import { numberCall } from "./call-marks.ts";

const traceparent = (flags: string): string =>
  `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-${flags}`;

it.each([
  ["of one in so many", {}, 1, true],
  ["that asks for its trace", { "lever-trace": "1" }, 0, true],
  ["whose caller samples it", { traceparent: traceparent("01") }, 0, true],
  ["whose caller does not sample it", { traceparent: traceparent("00") }, 0, false],
  ["of a host that samples none", {}, 0, false],
])(
  "whether a call %s is sampled is known when it is numbered",
  (_call, headers, each, expected) => {
    const { number, isSampled } = numberCall(headers, {
      traceSampledEach: each,
      traceSampledPerSecondMax: 1,
    });
    expect([number > 0, isSampled]).toEqual([true, expected]);
  },
);

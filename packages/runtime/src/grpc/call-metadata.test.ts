import { expect, it } from "vitest";
import { readAskedMs, readUrl } from "./call-metadata.ts";

it.each([
  ["1H", 3_600_000],
  ["2M", 120_000],
  ["3S", 3_000],
  ["4m", 4],
  ["1500u", 2],
  ["1n", 1],
  ["0m", 1],
])("grpc-timeout %s is %i ms", (header, ms) => {
  expect(readAskedMs(header)).toBe(ms);
});

it("without grpc-timeout no time is asked for", () => {
  expect(readAskedMs(undefined)).toBe(0);
});

it.each(["", "1", "m", "1.5S", "-1S", "123456789S", "1s"])(
  "grpc-timeout %j is malformed",
  (header) => {
    expect(() => readAskedMs(header)).toThrow("its grpc-timeout is malformed");
  },
);

it("the URL of a call has an environment without a port", () => {
  const url = { environment: "dev.lever", service: "svc", resource: "", method: "m" };
  expect(readUrl("lever://dev.lever:8080/svc/m", undefined)).toEqual(url);
  expect(readUrl("/svc/m", "dev.lever")).toEqual(url);
});

it("a call without an environment, or without a URL, is malformed", () => {
  expect(() => readUrl("/svc/m", undefined)).toThrow("its lever-url names no environment");
  expect(() => readUrl(undefined, "dev.lever")).toThrow("it has no metadata lever-url");
});

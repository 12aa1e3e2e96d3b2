import { LeverError } from "@leveros/protocol";
import { expect, it } from "vitest";
import { askedTimeoutMs } from "./call-timeout.ts";

const limits = { callTimeoutMaxMs: 86_400_000 };

function asked(header: string | undefined, url = "/svc/method"): number | string {
  const headers = header === undefined ? {} : { "lever-timeout": header };
  const found = askedTimeoutMs({ url, headers }, limits);
  return found instanceof LeverError ? found.code : found;
}

it.each([
  [undefined, 0],
  ["1", 1],
  ["250ms", 250],
  ["10s", 10_000],
  ["2m", 120_000],
  ["86400s", 86_400_000],
  ["86401s", "malformed_request"],
  ["0", "malformed_request"],
  ["-1", "malformed_request"],
  ["1.5s", 1_500],
  ["0.25m", 15_000],
  ["2.5", 3],
  ["1h", 3_600_000],
  ["24h", 86_400_000],
  ["24.1h", "malformed_request"],
  ["0.0001s", "malformed_request"],
  ["1.s", "malformed_request"],
  [".5s", "malformed_request"],
  ["1,5s", "malformed_request"],
  ["1e3", "malformed_request"],
  ["1 s", "malformed_request"],
  ["soon", "malformed_request"],
  ["", "malformed_request"],
])("the header lever-timeout: %j asks for %j", (header, expected) => {
  expect(asked(header)).toBe(expected);
});

it("the query asks for a deadline where there is no header", () => {
  expect(asked(undefined, "/svc/method?forceenv=dev.lever&timeout=3s")).toBe(3_000);
  expect(asked("1s", "/svc/method?timeout=3s")).toBe(1_000);
  expect(asked(undefined, "/svc/method?mytimeout=3s")).toBe(0);
});

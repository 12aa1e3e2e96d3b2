import { expect, it } from "vitest";
import { isForwarded } from "./access-request.ts";
import { TokenIndex } from "./token-index.ts";

const socket = { remoteAddress: "127.0.0.1", localAddress: "127.0.0.1" };

it.each([
  "via",
  "forwarded",
  "x-real-ip",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "x-forwarded-anything",
  "cf-connecting-ip",
  "true-client-ip",
  "cdn-loop",
])("a caller with the header %s is not on this machine", (name) => {
  const access = new TokenIndex({ wallTime: () => 0, isLocalOnly: true });
  for (const value of ["127.0.0.1", ""]) {
    const request = { headers: { host: "localhost", [name]: value }, socket };
    expect(access.isTrustedByAddress(request)).toBe(false);
    expect(() => access.checkInvoke(request, "dev.lever", false)).toThrow(/without a token/);
    expect(() => access.adminPrincipal(request)).toThrow(/without a token/);
  }
});

it("a caller without headers of a proxy is on this machine", () => {
  const headers = { host: "localhost", "x-forward": "1", viaduct: "1", "content-length": "0" };
  expect(isForwarded(headers)).toBe(false);
  const access = new TokenIndex({ wallTime: () => 0, isLocalOnly: true });
  expect(access.adminPrincipal({ headers, socket })).toBe("local");
});

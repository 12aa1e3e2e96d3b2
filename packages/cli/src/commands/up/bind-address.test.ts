import { expect, it } from "vitest";
import { formatAuthority, isLoopback } from "./bind-address.ts";

it.each(["127.0.0.1", "127.8.9.10", "::1", "localhost"])("%s is this machine alone", (address) => {
  expect(isLoopback(address)).toBe(true);
});

it.each(["0.0.0.0", "::", "192.168.1.2", "example.com", "127.0.0.1.example.com", "", "128.0.0.1"])(
  "%j may be reached from elsewhere",
  (address) => {
    expect(isLoopback(address)).toBe(false);
  },
);

it("an IPv6 address stands in brackets before its port", () => {
  expect([formatAuthority("::1", 80), formatAuthority("127.0.0.1", 80)]).toEqual([
    "[::1]:80",
    "127.0.0.1:80",
  ]);
});

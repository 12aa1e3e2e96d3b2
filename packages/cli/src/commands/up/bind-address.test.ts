import { expect, it } from "vitest";
import { formatAuthority, isLoopback } from "./bind-address.ts";

it.each(["127.0.0.1", "127.8.9.10", "::1", "localhost"])(
  "only this machine can reach %s",
  (address) => {
    expect(isLoopback(address)).toBe(true);
  },
);

it.each(["0.0.0.0", "::", "192.168.1.2", "example.com", "127.0.0.1.example.com", "", "128.0.0.1"])(
  "other machines may reach %j",
  (address) => {
    expect(isLoopback(address)).toBe(false);
  },
);

it("an IPv6 address has brackets before its port", () => {
  expect([formatAuthority("::1", 80), formatAuthority("127.0.0.1", 80)]).toEqual([
    "[::1]:80",
    "127.0.0.1:80",
  ]);
});

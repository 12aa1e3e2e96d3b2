import { LeverError } from "@leveros/protocol";
import { expect, it } from "vitest";
import { closeCode, closeReason } from "./close-frame.ts";

it("an error of Lever's closes with 4000 and its HTTP status", () => {
  expect(closeCode(new LeverError("unauthorized", "x"))).toBe(4401);
});

it.each([
  ["a short text", "short", "short"],
  ["123 bytes", "x".repeat(123), "x".repeat(123)],
  ["124 bytes", "x".repeat(124), "x".repeat(123)],
  ["a character across the end", `${"x".repeat(122)}é`, "x".repeat(122)],
  ["four bytes across the end", `${"x".repeat(120)}\u{1F600}`, "x".repeat(120)],
])("a reason fits its close frame: %s", (_name, text, reason) => {
  expect(closeReason(text)).toBe(reason);
});

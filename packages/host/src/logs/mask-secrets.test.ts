import { expect, it } from "vitest";
import { secretMask } from "./mask-secrets.ts";

const mask = secretMask({ KEY: "12345678", LONGER: "0-12345678", SHORT: "1234567" });

it.each([
  ["the key is 12345678, 12345678", "the key is [secret KEY], [secret KEY]"],
  ["0-12345678", "[secret LONGER]"],
  ["1234567", "1234567"],
  ["lever_abcdefghijklmnopqrstuvwxyz0123456789", "[secret token]"],
  ["lever_up", "lever_up"],
])("%j is logged as %j", (text, masked) => {
  expect(mask(text)).toBe(masked);
});

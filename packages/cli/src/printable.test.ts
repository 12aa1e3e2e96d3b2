import { expect, it } from "vitest";
import { printable } from "./printable.ts";

it("control characters are escaped, except tabs", () => {
  expect(printable("\u001b[2Jgone\u009b1m\r\n\tend\u007f")).toBe(
    "\\u001b[2Jgone\\u009b1m\\u000d\\u000a\tend\\u007f",
  );
});

it("letters of every script stay as they are", () => {
  expect(printable("ünïcödé ☃ 日本")).toBe("ünïcödé ☃ 日本");
});

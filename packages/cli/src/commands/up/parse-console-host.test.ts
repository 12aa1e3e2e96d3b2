import { expect, it } from "vitest";
import { parseConsoleHost } from "./parse-console-host.ts";

it.each([
  ["Lever.Example", "lever.example"],
  ["192.0.2.7", "192.0.2.7"],
  ["lever.example:8080", undefined],
  ["https://lever.example", undefined],
  ["*.example", undefined],
  [`${"a".repeat(254)}`, undefined],
  ["", undefined],
])("as a host name of the console, %j is %j", (text, name) => {
  expect(parseConsoleHost(text)).toBe(name);
});

import { describe, expect, it } from "vitest";
import { parseHostAddress } from "./host-address.ts";

describe("the address of a Lever host", () => {
  it.each([
    ["127.0.0.1:8080", "http://127.0.0.1:8080/"],
    ["lever.example:9000", "http://lever.example:9000/"],
    ["lever.example:80", "http://lever.example/"],
    ["[::1]:8080", "http://[::1]:8080/"],
    ["https://lever.example", "https://lever.example/"],
    ["http://127.0.0.1:8080/", "http://127.0.0.1:8080/"],
  ])("can be %s", (text, url) => {
    expect(parseHostAddress(text)?.href).toBe(url);
  });

  it.each([
    "",
    "lever.example",
    ":8080",
    "host:0",
    "host:99999",
    "host:80/path",
    "u@host:80",
    "a b:1",
  ])("cannot be %j", (text) => {
    expect(parseHostAddress(text)).toBeUndefined();
  });
});

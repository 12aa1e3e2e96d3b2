import { expect, it } from "vitest";
import { formatHttpAddress, parseHttpAddress } from "./http-address.ts";

it.each([
  ["127.0.0.1:8080", { isSecure: false, host: "127.0.0.1", port: 8080 }],
  ["dev.lever", { isSecure: false, host: "dev.lever", port: 80 }],
  ["my_host:81", { isSecure: false, host: "my_host", port: 81 }],
  ["[::1]:8080", { isSecure: false, host: "::1", port: 8080 }],
  ["http://dev.lever:443/", { isSecure: false, host: "dev.lever", port: 443 }],
  ["dev.lever:443", { isSecure: true, host: "dev.lever", port: 443 }],
  ["https://lever.example", { isSecure: true, host: "lever.example", port: 443 }],
  ["HTTPS://lever.example:8443", { isSecure: true, host: "lever.example", port: 8443 }],
])("parses %s as an address", (text, address) => {
  expect(parseHttpAddress(text)).toEqual(address);
});

it.each([
  "",
  ":8080",
  "a b",
  "host:0",
  "host:65536",
  "host:port",
  "ftp://host",
  "host/path",
  "::1",
])('"%s" is not an address', (text) => {
  expect(() => parseHttpAddress(text)).toThrow(
    `Cannot connect to "${text}": it does not have the form host:port.`,
  );
});

it("an address is formatted as it is written", () => {
  expect(formatHttpAddress(parseHttpAddress("[::1]:8080"))).toBe("[::1]:8080");
  expect(formatHttpAddress(parseHttpAddress("dev.lever"))).toBe("dev.lever:80");
});

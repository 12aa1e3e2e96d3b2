import { expect, it } from "vitest";
import { callPath, parseBaseUrl } from "./base-url.ts";

const PAGE = "https://shop.example.com/cart?a=1";

it.each([
  ["https://shop.example.com/-/lever", true, "shop.example.com", 443, "/-/lever"],
  ["http://[::1]:8080/-/lever/", false, "::1", 8080, "/-/lever"],
  ["https://shop.example.com", true, "shop.example.com", 443, ""],
  ["/-/lever", true, "shop.example.com", 443, "/-/lever"],
])("the base URL %s is read", (text, isSecure, host, port, path) => {
  expect(parseBaseUrl(text, PAGE)).toEqual({ address: { isSecure, host, port }, path });
});

it.each([
  ["/-/lever", undefined],
  ["ftp://shop.example.com", PAGE],
  ["https://a:b@shop.example.com", PAGE],
  ["https://shop.example.com/?a=1", PAGE],
  ["", undefined],
])("the base URL %j of a page at %j is refused", (text, page) => {
  expect(() => parseBaseUrl(text, page)).toThrow("as baseUrl: allowed is a URL such as");
});

it("a call below a base URL names no environment", () => {
  const url = { environment: "dev.lever:8080", service: "cart", resource: "a/b", method: "add" };
  const base = parseBaseUrl("https://shop.example.com/-/lever", undefined);
  expect(callPath(url, base, new URLSearchParams())).toBe("/-/lever/cart/a/b/add");
  const query = new URLSearchParams({ timeout: "5" });
  expect(callPath(url, base, query)).toBe("/-/lever/cart/a/b/add?timeout=5");
  expect(callPath(url, undefined, new URLSearchParams())).toBe("/cart/a/b/add?forceenv=dev.lever");
});

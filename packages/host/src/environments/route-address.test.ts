import { expect, it } from "vitest";
import { covers, parseRouteAddress } from "./route-address.ts";

it.each([
  ["shop.example.com", "shop.example.com", ""],
  ["Shop.Example.COM.", "shop.example.com", ""],
  ["shop.example.com/", "shop.example.com", ""],
  ["shop.example.com/blog", "shop.example.com", "/blog"],
  ["shop.example.com/a/b-c/~d/", "shop.example.com", "/a/b-c/~d"],
  ["*.apps.example.com", "*.apps.example.com", ""],
  ["intranet", "intranet", ""],
  ["xn--bcher-kva.example", "xn--bcher-kva.example", ""],
])("the address %s is the host name %s and the path %j", (text, host, path) => {
  expect(parseRouteAddress(text)).toEqual({ host, path });
});

it.each([
  ["https://shop.example.com", "it begins with a scheme"],
  ["shop.example.com:8080", "it has a port"],
  ["", "it has no host name"],
  ["/blog", "it has no host name"],
  [`${"a.".repeat(130)}example`, "longer than 253"],
  ["192.0.2.7", "it is an address"],
  ["[::1]", "it is an address"],
  ["localhost", "names of this machine"],
  ["web.dev.lever.localhost", "names of this machine"],
  ["shop_.example.com", "not a host name"],
  ["shop..example.com", "not a host name"],
  ["bücher.example", "not a host name"],
  ["*.com", "may be anyone's"],
  ["*", "only its first label"],
  ["a.*.example.com", "only its first label"],
  ["*.*.example.com", "only its first label"],
  ["*.example.com/blog", "not by a path"],
  ["shop.example.com//blog", "an empty part"],
  ["shop.example.com/a?b", "a character that is not allowed"],
  ["shop.example.com/%62log", "a character that is not allowed"],
  ["shop.example.com/a b", "a character that is not allowed"],
  ["shop.example.com/../x", "a part . or .."],
  ["shop.example.com/-/lever", "Lever's own"],
  [`shop.example.com/${"a".repeat(1_100)}`, "longer than 1024"],
])("the address %s is refused: %s", (text, problem) => {
  expect(() => parseRouteAddress(text)).toThrow(problem);
});

it.each([
  ["a.example.com", "a.example.com", true],
  ["*.example.com", "a.example.com", true],
  ["*.example.com", "*.example.com", true],
  ["*.example.com", "a.b.example.com", false],
  ["*.example.com", "example.com", false],
  ["a.example.com", "*.example.com", false],
])("that %s covers %s is %s", (host, other, expected) => {
  expect(covers(host, other)).toBe(expected);
});

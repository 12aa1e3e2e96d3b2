import type { IncomingHttpHeaders } from "node:http";
import { parseHttpResource } from "@leveros/protocol";
import { expect, it } from "vitest";
import { requestResource } from "./request-resource.ts";

const find = (source: string, path: string, headers: IncomingHttpHeaders = {}): string =>
  requestResource(parseHttpResource(source), path, headers);

it.each<[string, string, IncomingHttpHeaders, string]>([
  ["path:1", "/lobby/live?a=/b", {}, "lobby"],
  ["path:2", "/rooms/a%2Fb", {}, "a/b"],
  ["path:2", "/rooms", {}, ""],
  ["path:1", "/", {}, ""],
  ["path:1", "/?lobby", {}, ""],
  ["path:1", "//lobby", {}, ""],
  ["cookie:sid", "/", { cookie: "a=b; sid=s1; sid=s2" }, "e8bc163c82eee18733288c7d4ac636db"],
  ["cookie:sid", "/", { cookie: "xsid=1; sid" }, ""],
  ["cookie:sid", "/", {}, ""],
  ["header:x-room", "/", { "x-room": "lobby" }, "lobby"],
  ["header:x-room", "/", {}, ""],
  ["none", "/lobby", {}, ""],
])("the resource in %s of %s with %j is %s", (source, path, headers, resource) => {
  expect(find(source, path, headers)).toBe(resource);
});

it.each([
  ["path:1", "/%zz", "segment 1 of the path: it has a %"],
  ["path:1", `/${"a".repeat(1_001)}`, "segment 1 of the path: it has more than 1000 bytes"],
])("a resource in %s of %s is refused", (source, path, reason) => {
  expect(() => find(source, path)).toThrow(`Cannot find the resource of the request in ${reason}`);
});

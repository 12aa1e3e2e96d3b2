import { expect, it } from "vitest";
import { BY_LABEL, BY_NAME, confinedCookie, confinedHeaders, SANDBOX } from "./reach.ts";

it.each([
  ["a=1", "a=1"],
  ["a=1; Path=/", "a=1; Path=/web"],
  ["a=1; path = /admin/; Secure", "a=1; Secure; Path=/web/admin"],
  ["a=1; Path=/web; HttpOnly", "a=1; HttpOnly; Path=/web"],
  ["a=1; Path=/web/x", "a=1; Path=/web/x"],
  ["a=1; Path=/website", "a=1; Path=/web/website"],
  ["a=1; Path=/web; Path=/", "a=1; Path=/web"],
  ["a=1; Path=/x; Path=", "a=1"],
  ["a=1; Path", "a=1"],
  ["a=1; Path=x", "a=1"],
  ["a=1; Domain=example.com; DOMAIN = .com; SameSite=Lax", "a=1; SameSite=Lax"],
  ["a=Path=/; Max-Age=1", "a=Path=/; Max-Age=1"],
  ["", ""],
])("below /web, the cookie %j is %j", (cookie, confined) => {
  expect(confinedCookie(cookie, "/web")).toBe(confined);
});

it("a cookie of a service with a label of its own has no domain", () => {
  expect(confinedCookie("a=1; Path=/x/; Domain=apps.example.com")).toBe("a=1; Path=/x/");
  const headers = { "set-cookie": "a=1; Domain=b", "clear-site-data": '"*"' };
  expect(confinedHeaders(headers, BY_LABEL)).toEqual({ ...headers, "set-cookie": ["a=1"] });
  expect(confinedHeaders(headers, BY_NAME)).toBe(headers);
});

it("an answer on a shared host name reaches its own service alone", () => {
  const headers = {
    "x-own": "kept",
    "set-cookie": ["a=1; Path=/", "b=2"],
    "content-security-policy": "default-src 'self'",
    "alt-svc": 'h3=":1"',
    "clear-site-data": '"*"',
    nel: "{}",
    "report-to": "{}",
    "service-worker-allowed": "/",
    "strict-transport-security": "max-age=0",
    "x-content-type-options": "other",
  };
  expect(confinedHeaders(headers, { kind: "path", path: "/web" })).toEqual({
    "x-own": "kept",
    "set-cookie": ["a=1; Path=/web", "b=2"],
    "content-security-policy": `default-src 'self', ${SANDBOX}`,
    "x-content-type-options": "nosniff",
  });
});

import type { IncomingHttpHeaders } from "node:http";
import { describe, expect, it } from "vitest";
import { checkHostHeader, checkPageOrigin } from "./browser-origin.ts";

const named = new Set(["https://app.example"]);
const none = new Set<string>();

describe("B1, B2: the page that makes a request", () => {
  const rows: readonly [string, IncomingHttpHeaders, ReadonlySet<string>, boolean][] = [
    ["no page", {}, none, true],
    ["an origin that is named", { origin: "https://app.example" }, named, true],
    ["an origin that is not", { origin: "https://evil.example" }, named, false],
    ["an origin that hides", { origin: "null" }, named, false],
    ["any origin, where all may", { origin: "null" }, new Set(["*"]), true],
    ["no origin, and another site", { "sec-fetch-site": "cross-site" }, named, false],
    ["no origin, and another port", { "sec-fetch-site": "same-site" }, named, false],
    ["no origin, and what nobody knows yet", { "sec-fetch-site": "new" }, named, false],
    ["no origin, and its own", { "sec-fetch-site": "same-origin" }, named, true],
    ["no origin, and typed by a person", { "sec-fetch-site": "none" }, named, true],
    [
      "an origin that is named, on another site",
      { origin: "https://app.example", "sec-fetch-site": "cross-site" },
      named,
      true,
    ],
  ];

  it.each(rows)("%s", (_name, headers, origins, isAllowed) => {
    expect(checkPageOrigin(headers, origins)?.code).toBe(isAllowed ? undefined : "forbidden");
  });
});

describe("B3: the host name of who is let in for being on this machine", () => {
  const localAddress = "::ffff:192.0.2.7";
  const environments = new Set(["admin.lever"]);
  const code = (headers: IncomingHttpHeaders, method = "POST"): string | undefined =>
    checkHostHeader({ headers, method, socket: { localAddress } }, (name) => environments.has(name))
      ?.code;

  it.each([
    "127.0.0.1",
    "127.0.0.1:8080",
    "127.1.2.3",
    "[::1]:8080",
    "localhost",
    "LOCALHOST:1",
    "192.0.2.7:8080",
    "admin.lever",
    "Admin.Lever:8080",
  ])("may be %s", (host) => {
    expect(code({ host })).toBeUndefined();
    expect(code({ ":authority": host })).toBeUndefined();
  });

  it.each([
    "evil.example",
    "evil.example:8080",
    "127.0.0.1.evil.example",
    "127.evil.example",
    "localhost.evil.example",
    "evil.localhost",
    "0.0.0.0:8080",
    "192.0.2.8",
    "[::2]",
    "evil-admin.lever",
    "",
  ])("may not be %j", (host) => {
    expect(code({ host })).toBe("forbidden");
    expect(code({ ":authority": host })).toBe("forbidden");
  });

  it("may be nothing but loopback for a GET, of which a page's own host hears without an Origin", () => {
    expect(code({ host: "127.0.0.1" }, "GET")).toBeUndefined();
    expect(code({ host: "admin.lever" }, "GET")).toBe("forbidden");
    expect(code({ host: "192.0.2.7" }, "GET")).toBe("forbidden");
    expect(code({ host: "admin.lever", upgrade: "websocket" }, "GET")).toBeUndefined();
  });

  it("may be missing for nobody", () => {
    expect(code({})).toBe("forbidden");
  });
});

import type { IncomingHttpHeaders } from "node:http";
import { describe, expect, it } from "vitest";
import { Sites } from "../../router/sites.ts";
import {
  checkHostHeader,
  checkPageOrigin,
  isConsoleHost,
  isConsolePage,
} from "./browser-origin.ts";

const allowed = new Set(["https://app.example"]);
const none = new Set<string>();

describe("B1, B2: the origin of a page is checked", () => {
  const rows: readonly [string, IncomingHttpHeaders, ReadonlySet<string>, boolean][] = [
    ["a program has no origin", {}, none, true],
    ["an allowed origin", { origin: "https://app.example" }, allowed, true],
    ["another origin", { origin: "https://evil.example" }, allowed, false],
    ["an opaque origin", { origin: "null" }, allowed, false],
    ["an opaque origin, where all origins are allowed", { origin: "null" }, new Set(["*"]), true],
    ["no origin, from another site", { "sec-fetch-site": "cross-site" }, allowed, false],
    [
      "no origin, from another port of the same site",
      { "sec-fetch-site": "same-site" },
      allowed,
      false,
    ],
    ["no origin, from an unknown kind of site", { "sec-fetch-site": "new" }, allowed, false],
    ["no origin, from the same origin", { "sec-fetch-site": "same-origin" }, allowed, true],
    ["no origin, from the address bar", { "sec-fetch-site": "none" }, allowed, true],
    [
      "an allowed origin on another site",
      { origin: "https://app.example", "sec-fetch-site": "cross-site" },
      allowed,
      true,
    ],
  ];

  it.each(rows)("%s", (_name, headers, origins, isAllowed) => {
    expect(checkPageOrigin(headers, origins)?.code).toBe(isAllowed ? undefined : "forbidden");
  });
});

describe("B3: a caller that is trusted by its address uses a host name of this machine", () => {
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
  ])("the host name may be %s", (host) => {
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
  ])("the host name may not be %j", (host) => {
    expect(code({ host })).toBe("forbidden");
    expect(code({ ":authority": host })).toBe("forbidden");
  });

  it("the host name of a GET is loopback, because browsers send it without an Origin", () => {
    expect(code({ host: "127.0.0.1" }, "GET")).toBeUndefined();
    expect(code({ host: "admin.lever" }, "GET")).toBe("forbidden");
    expect(code({ host: "192.0.2.7" }, "GET")).toBe("forbidden");
    expect(code({ host: "admin.lever", upgrade: "websocket" }, "GET")).toBeUndefined();
  });

  it("the host name must be there", () => {
    expect(code({})).toBe("forbidden");
  });
});

describe("B4: a page of the request's own origin is the console", () => {
  const own = { host: "127.0.0.1:8080", origin: "http://127.0.0.1:8080" };
  const isConsole = (headers: IncomingHttpHeaders, names: readonly string[]): boolean => {
    const given = new Set(names);
    const isPage = isConsolePage(headers, { isSecure: false, given });
    return isPage && isConsoleHost(headers, { certificate: undefined, given, sites: new Sites() });
  };

  it.each<[string, IncomingHttpHeaders, boolean]>([
    ["the host's own address", own, true],
    ["the same from the browser's view", { ...own, "sec-fetch-site": "same-origin" }, true],
    ["localhost", { host: "localhost:1", origin: "http://localhost:1" }, true],
    ["over HTTP/2", { ":authority": "[::1]:1", origin: "http://[::1]:1" }, true],
    ["another port", { ...own, host: "127.0.0.1:8081" }, false],
    ["another name of the machine", { ...own, host: "localhost:8080" }, false],
    ["another scheme", { ...own, origin: "https://127.0.0.1:8080" }, false],
    ["another site", { ...own, "sec-fetch-site": "cross-site" }, false],
    ["another port of the same site", { ...own, "sec-fetch-site": "same-site" }, false],
    ["an opaque origin", { ...own, origin: "null" }, false],
    ["no origin", { host: "127.0.0.1:8080" }, false],
    ["a name that leads here", { host: "evil.example", origin: "http://evil.example" }, false],
    [
      "the name of a service on this machine",
      { host: "shop.dev.lever.localhost", origin: "http://shop.dev.lever.localhost" },
      false,
    ],
  ])("%s", (_name, headers, isAllowed) => {
    expect(isConsole(headers, [])).toBe(isAllowed);
  });

  it.each<[string, string, string, boolean]>([
    ["a given name", "lever.example:8080", "http://lever.example:8080", true],
    ["a given name behind a proxy with TLS", "Lever.example", "https://lever.example", true],
    ["another name", "evil.example", "http://evil.example", false],
    ["a name below a given one", "a.lever.example", "http://a.lever.example", false],
    ["another origin", "lever.example", "https://evil.example", false],
    ["the machine's own name, by TLS", "127.0.0.1", "https://127.0.0.1", false],
  ])("with --console-host: %s", (_name, host, origin, isAllowed) => {
    expect(isConsole({ host, origin }, ["lever.example"])).toBe(isAllowed);
  });
});

import type { IncomingHttpHeaders } from "node:http";
import { join, sep } from "node:path";
import { filePath, Sites, siteRequest } from "@leveros/host/parts";
import { LeverError } from "@leveros/protocol";
import type { Corpus } from "../mutator.ts";
import { ownMemory } from "../own-memory.ts";
import type { FuzzTarget } from "../target.ts";

const METHODS = ["GET", "HEAD", "POST", "OPTIONS", "PUT"];
const FOLDER = "/code/public";
const environment = "dev.lever";

/** A service, and the host names by which a request may reach it, as patterns. */
const SITES: readonly (readonly [service: string, own: RegExp])[] = [
  ["web", /^(?:web\.dev\.lever\.localhost|web\.apps\.example\.com|shop\.example\.com)$/],
  ["myApp", /^myapp\.(?:dev\.lever\.localhost|apps\.example\.com)$/],
  ["secret", /^secret\.other\.lever\.localhost$/],
  ["blog", /^(?:blog\.dev\.lever\.localhost|blog\.apps\.example\.com|shop\.example\.com)$/],
];

/**
 * The service, and the file in its folder, that a request's host name and target lead to. On a service's own host name, no request
 * reaches another environment or service, and no path leaves a folder.
 */
export const hostNames: FuzzTarget = {
  name: "host-names",
  async open() {
    const sites = openSites();
    return {
      corpus,
      inputsAtOnce: 1,
      feed(bytes, choice) {
        const [url = "", host = "", authority] = bytes.toString("latin1").split("\n");
        const headers: IncomingHttpHeaders = {
          host,
          ...(authority !== undefined && { ":authority": authority }),
        };
        const method = METHODS[choice(METHODS.length)] ?? "GET";
        expectSound({ method, url, headers }, sites, choice(2) === 0);
      },
      async check() {
        const headers = { host: "shop.example.com" };
        const found = siteRequest({ method: "GET", url: "/blog/a?b", headers }, sites);
        if (found?.service !== "blog" || found.path !== "/a?b") throw new Error("a route is lost");
      },
      measure: async () => [await ownMemory()],
      async [Symbol.asyncDispose]() {},
    };
  },
};

function openSites(): Sites {
  const sites = new Sites();
  for (const [service] of SITES) {
    const place = service === "secret" ? "other.lever" : environment;
    sites.set(place, service, { methods: ["hello"], hasFetch: true });
  }
  const route = { path: "", environment, service: "web" };
  sites.routes.add({ ...route, host: "shop.example.com" });
  sites.routes.add({ ...route, host: "shop.example.com", path: "/blog", service: "blog" });
  sites.routes.add({ ...route, host: "*.apps.example.com", service: "" });
  return sites;
}

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

function expectSound(request: Asked, sites: Sites, isUpgrade: boolean): void {
  let found: ReturnType<typeof siteRequest>;
  try {
    found = siteRequest(request, sites, isUpgrade);
  } catch (error) {
    if (error instanceof LeverError) return;
    throw error;
  }
  if (found === undefined) return;
  const { service, prefix, path, isOwnHost } = found;
  if (prefix + path !== request.url) throw new Error("a part of the target is lost");
  const host = String(request.headers[":authority"] ?? request.headers.host);
  const name = host
    .replace(/:\d{0,5}$/, "")
    .replace(/\.$/, "")
    .toLowerCase();
  const [, own] = SITES.find(([of]) => of === service) ?? [];
  const isIts = own?.test(name) === true;
  const isAnyOwn = SITES.some(([, pattern]) => pattern.test(name));
  if (isOwnHost ? !isIts : isAnyOwn) throw new Error(`${name} leads to ${service}`);
  const [pathname = ""] = path.split("?");
  const file = filePath(pathname);
  if (file === undefined) return;
  const isInside = file === "" || join(FOLDER, file).startsWith(FOLDER + sep);
  const isHidden = file.split("/").some((part) => part.startsWith("."));
  if (!isInside || isHidden || /[\0\\]/.test(file)) throw new Error(`it is the file ${file}`);
}

const corpus: Corpus = {
  inputs: [
    ["/web/a/b?c=1", "\n", "127.0.0.1:8080"],
    ["/web/docs/index.html", "\n", "dev.lever", ":8080"],
    ["/", "index.html", "\n", "web", ".dev.lever", ".localhost", ":8080"],
    ["/a%20b/", "x.css", "\n", "MyApp", ".dev.lever", ".localhost"],
    ["/blog", "/2026/", "\n", "shop", ".example.com", ":443"],
    ["/", "\n", "one.apps.example.com", "\n", "web.apps.example.com"],
    ["/secret/", "?forceenv=other.lever", "\n", "web.dev.lever.localhost"],
    ["/-/lever/web/hello", "\n", "shop.example.com"],
  ].map((parts) => parts.map((part) => Buffer.from(part))),
  words: [
    ".",
    "..",
    "/../",
    "%2e%2e",
    "%252e",
    "%2f",
    "%5c",
    "\\",
    "%00",
    "%ff",
    "%",
    "//",
    "/./",
    "/.env",
    "?",
    "#",
    "@",
    "[::1]",
    "*",
    "*.apps.example.com",
    ".localhost",
    "localhost",
    "secret.other.lever.localhost",
    "?forceenv=other.lever",
    ":8080",
    "__proto__",
    "constructor",
  ],
  encode: (parts) => Buffer.concat(parts),
};

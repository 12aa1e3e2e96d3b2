import type { ServiceListing } from "@leveros/protocol";
import { expect, it } from "vitest";
import { formatService, formatServices } from "./format-listings.ts";

const now = Date.parse("2026-03-01T12:00:00Z");

const host = new URL("http://127.0.0.1:8080");

const hello: ServiceListing = {
  environment: "dev.lever",
  service: "hello",
  description: "Says hello.",
  private: true,
  liveVersion: 2,
  methods: ["chatChan", "sayHello"],
  versions: [
    { version: 1, deployedAt: "2026-02-27T12:00:00Z", archiveBytes: 900, unpackedBytes: 2_000 },
    { version: 2, deployedAt: "2026-03-01T11:30:00Z", archiveBytes: 950, unpackedBytes: 2_100 },
  ],
  instances: [
    {
      instance: "hello-2-aa",
      version: 2,
      state: "ready",
      callsInFlight: 3,
      startedAt: "2026-03-01T11:59:18Z",
    },
    {
      instance: "hello-2-bb",
      version: 2,
      state: "starting",
      callsInFlight: 0,
      startedAt: "2026-03-01T12:00:00Z",
    },
  ],
};

const idle: ServiceListing = {
  ...hello,
  service: "idle",
  description: "",
  private: false,
  methods: ["work"],
  instances: [],
};

it("a service is a line of the list", () => {
  expect(formatServices([hello, idle], now)).toBe(
    `SERVICE  VERSION  AGE  INSTANCES            VISIBILITY  METHODS
hello    2        30m  1 ready, 1 starting  private     chatChan, sayHello
idle     2        30m  0                                work`,
  );
});

it("services that are called have their rates in the list", () => {
  const traffic = { callsPerSecond: 32, errorsPerSecond: 0.8, p50Ms: 3, p95Ms: 20, p99Ms: 30 };
  expect(formatServices([{ ...hello, traffic }, idle], now)).toBe(
    `SERVICE  VERSION  AGE  INSTANCES            CALLS/S  ERRORS  P99    VISIBILITY  METHODS
hello    2        30m  1 ready, 1 starting  32       2.5 %   30 ms  private     chatChan, sayHello
idle     2        30m  0                                                        work`,
  );
});

it("the details of a service are its methods, versions and instances", () => {
  expect(formatService(hello, now, host)).toBe(
    `hello in dev.lever, private: only services of the same environment can call it

Says hello.

METHOD
lever://dev.lever/hello/chatChan  streaming
lever://dev.lever/hello/sayHello

VERSION  LIVE  AGE  ARCHIVE  UNPACKED
2        live  30m  950 B    2.1 kB
1              2d   900 B    2.0 kB

INSTANCE    VERSION  STATE     CALLS  AGE
hello-2-aa  2        ready     3      42s
hello-2-bb  2        starting  0      0s`,
  );
});

it("a service that answers HTTP requests has its addresses and files", () => {
  const site = { hostName: "web.dev.lever.localhost", routes: ["shop.example.com/b"] };
  const web: ServiceListing = { ...idle, service: "web", methods: ["fetch"], site };
  const files = { ...site, hostName: undefined, routes: [], files: "public" };
  const website: ServiceListing = { ...idle, service: "Web", methods: [], site: files };
  expect(formatServices([web, website, idle], now)).toBe(
    `SERVICE  VERSION  AGE  INSTANCES  VISIBILITY  HTTP                                         METHODS
web      2        30m  0                      shop.example.com/b, web.dev.lever.localhost  fetch
Web      2        30m  0                      files of public
idle     2        30m  0                                                                   work`,
  );
  expect(formatService(web, now, host)).toContain(
    `
ADDRESS                               OF
/web/                                 every name of the host
http://web.dev.lever.localhost:8080/  the host's own machine
shop.example.com/b                    a route
`,
  );
  const detail = formatService(website, now, host);
  expect(detail).toContain("host names have no capitals, and another service is named web, too.");
  expect(detail).toContain("Files of public are served without an instance.");
});

it("a service whose instances fail says so, and why", () => {
  const failing = { reason: "It exited with status 1.", inARow: 3, nextStartMs: 400 };
  expect(formatServices([{ ...idle, failing }], now)).toMatch(/^idle .* 0, failing +work$/m);
  expect(formatService({ ...idle, failing }, now, host)).toContain(
    "3 instances in a row have failed. The next may start in 1 s.\nIt exited with status 1.",
  );
});

it("the details of a service without instances say when one starts", () => {
  expect(formatService(idle, now, host)).toMatch(
    /^idle in dev\.lever\n\nMETHOD[\s\S]*the next call starts one\.$/,
  );
});

it("the admin service is shown as a part of Lever itself", () => {
  const admin: ServiceListing = {
    ...idle,
    environment: "admin.lever",
    service: "admin",
    description: "Manages Lever itself.",
    platform: true,
    methods: ["listServices", "watchEventsChan"],
    versions: [],
  };
  expect(formatServices([admin], now)).toBe(
    `SERVICE  VERSION  AGE  INSTANCES  VISIBILITY    METHODS
admin                  the host   Lever itself  2 methods`,
  );
  expect(formatService(admin, now, host)).toBe(
    `admin in admin.lever

Manages Lever itself.

METHOD
lever://admin.lever/admin/listServices
lever://admin.lever/admin/watchEventsChan  streaming`,
  );
});

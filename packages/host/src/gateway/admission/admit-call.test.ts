import { defaultLimits, LeverError, type LeverUrl, LOG_READER } from "@leveros/protocol";
import { describe, expect, it } from "vitest";
import { TokenIndex } from "../../access/token-index.ts";
import type { EnvironmentAccess } from "../../router/environment-access.ts";
import { Sites } from "../../router/sites.ts";
import { Admission, type IncomingCall } from "./admit-call.ts";

const environments = new Map<string, EnvironmentAccess>([
  ["open.lever", { corsOrigins: new Set(["*"]), kind: "services", isPublic: false }],
  [
    "dev.lever",
    { corsOrigins: new Set(["https://app.example"]), kind: "services", isPublic: false },
  ],
  ["admin.lever", { corsOrigins: new Set(), kind: "platform", isPublic: false }],
]);
const sites = new Sites();
sites.routes.add({ host: "shop.example.com", path: "", environment: "dev.lever", service: "web" });
sites.routes.add({ host: "*.open.example", path: "", environment: "open.lever", service: "" });
const router = {
  sites,
  environment: (name: string) => {
    const access = environments.get(name);
    return access && { access };
  },
};
const loopback = { remoteAddress: "127.0.0.1", localAddress: "127.0.0.1" };

/** Callers on this machine need no token, as on a laptop. */
function admission(isLocalOnly = true): Admission {
  const access = new TokenIndex({ wallTime: () => 0, isLocalOnly });
  return new Admission({ router, access, limits: defaultLimits });
}

function target(environment: string, method = "method"): LeverUrl {
  return { environment, service: "svc", resource: "", method };
}

function incoming(
  changes: Partial<IncomingCall> & { headers?: Record<string, string> },
): IncomingCall {
  const { headers = {}, ...rest } = changes;
  const request = { method: "POST", headers: { host: "127.0.0.1", ...headers }, socket: loopback };
  return {
    door: "http",
    target: target("dev.lever"),
    request,
    isStream: false,
    askedMs: 0,
    ...rest,
  };
}

function codeOf(call: IncomingCall, gate = admission()): string | undefined {
  try {
    gate.admitCall(call);
    return undefined;
  } catch (error) {
    return error instanceof LeverError ? error.code : String(error);
  }
}

describe("admission", () => {
  it("an admitted call has its target, its caller and its kind's deadline", () => {
    const { callTimeoutMs } = defaultLimits;
    expect(admission().admitCall(incoming({}))).toEqual({
      target: target("dev.lever"),
      caller: LOG_READER,
      isStream: false,
      timeoutMs: callTimeoutMs,
    });
  });

  it("an admitted call has the deadline that it asks for", () => {
    expect(admission().admitCall(incoming({ askedMs: 7 })).timeoutMs).toBe(7);
  });

  it("a call to the admin service has its principal", () => {
    const call = incoming({ target: target("admin.lever") });
    expect(admission().admitCall(call).caller).toEqual({
      kind: "admin",
      principal: "local",
    });
  });
});

const socketUpgrade = {
  method: "GET",
  headers: { host: "127.0.0.1", upgrade: "websocket" },
  socket: loopback,
};
const get = { method: "GET", headers: { host: "127.0.0.1" }, socket: loopback };

it.each<[string, IncomingCall, string | undefined]>([
  [
    "a page of an allowed origin calls",
    incoming({ headers: { origin: "https://app.example" } }),
    undefined,
  ],
  [
    "a page of another origin is refused",
    incoming({ headers: { origin: "https://evil.example" } }),
    "forbidden",
  ],
  [
    "a page of any origin calls where all are allowed",
    incoming({ target: target("open.lever"), headers: { origin: "https://evil.example" } }),
    undefined,
  ],
  [
    "a foreign host name is refused where pages are",
    incoming({ headers: { host: "evil.example" } }),
    "forbidden",
  ],
  [
    "a foreign host name is admitted where all pages are",
    incoming({ target: target("open.lever"), headers: { host: "evil.example" } }),
    undefined,
  ],
  [
    "a client link is admitted by any host name: no page can open one",
    incoming({ door: "clientLink", headers: { host: "evil.example" } }),
    undefined,
  ],
  ["a GET is refused", incoming({ request: get }), "wrong_http_method"],
  [
    "an EventSource calls a streaming method",
    incoming({
      door: "eventSource",
      target: target("dev.lever", "echoChan"),
      isStream: true,
      request: get,
    }),
    undefined,
  ],
  [
    "an EventSource calls no regular method",
    incoming({ door: "eventSource", request: get }),
    "wrong_http_method",
  ],
  [
    "an EventSource calls no service of Lever's own",
    incoming({
      door: "eventSource",
      target: target("admin.lever", "echoChan"),
      isStream: true,
      request: get,
    }),
    "wrong_http_method",
  ],
  [
    "a WebSocket calls a streaming method",
    incoming({
      door: "webSocket",
      target: target("dev.lever", "echoChan"),
      isStream: true,
      request: socketUpgrade,
    }),
    undefined,
  ],
  [
    "a WebSocket calls no regular method",
    incoming({ door: "webSocket", isStream: true, request: socketUpgrade }),
    "wrong_method_kind",
  ],
  [
    "a method of the other kind over gRPC is left to the router",
    incoming({ door: "grpc", isStream: true }),
    undefined,
  ],
  [
    "an environment that does not exist is left to the router",
    incoming({ target: target("none.lever") }),
    undefined,
  ],
  [
    "a wrong token is refused",
    incoming({ headers: { authorization: "Bearer wrong" } }),
    "unauthorized",
  ],
  [
    "a malformed deadline is refused",
    incoming({ askedMs: new LeverError("malformed_request", "x") }),
    "malformed_request",
  ],
])("%s", (_name, call, code) => {
  expect(codeOf(call)).toBe(code);
});

it.each<[string, string, string, string, string | undefined]>([
  ["its own", "dev.lever", "shop.example.com", "https://shop.example.com", undefined],
  ["its own, on a port", "dev.lever", "Shop.example.com:8", "http://shop.example.com:8", undefined],
  [
    "its own, on another port",
    "dev.lever",
    "shop.example.com:8",
    "http://shop.example.com",
    "forbidden",
  ],
  ["another one", "dev.lever", "shop.example.com", "https://evil.example", "forbidden"],
  ["an opaque one", "dev.lever", "shop.example.com", "null", "forbidden"],
  [
    "a name of this machine",
    "dev.lever",
    "web.dev.lever.localhost",
    "http://web.dev.lever.localhost",
    undefined,
  ],
  [
    "one of another environment",
    "dev.lever",
    "a.open.example",
    "https://a.open.example",
    "forbidden",
  ],
  ["one that is no service's", "dev.lever", "evil.example", "https://evil.example", "forbidden"],
  [
    "one below Lever's own",
    "admin.lever",
    "x.admin.lever.localhost",
    "http://x.admin.lever.localhost",
    "forbidden",
  ],
])(
  "a page on a service's own host name calls with an origin that is %s",
  (_name, environment, host, origin, code) => {
    expect(codeOf(incoming({ target: target(environment), headers: { host, origin } }))).toBe(code);
  },
);

describe("the errors of a call are checked in one order", () => {
  const malformed = new LeverError("malformed_request", "x");
  const headers = { origin: "https://evil.example", authorization: "Bearer wrong" };

  it("the error of the origin comes before the method's", () => {
    const request = { ...get, headers: { ...get.headers, origin: "https://evil.example" } };
    expect(codeOf(incoming({ request }))).toBe("forbidden");
  });

  it("the error of the origin comes before the token's", () => {
    expect(codeOf(incoming({ headers }))).toBe("forbidden");
  });

  it("the error of the token comes before the deadline's", () => {
    const call = incoming({ headers: { authorization: "Bearer wrong" }, askedMs: malformed });
    expect(codeOf(call)).toBe("unauthorized");
  });
});

it("a caller on another machine needs a token", () => {
  const request = {
    method: "POST",
    headers: { host: "dev.lever" },
    socket: { remoteAddress: "192.0.2.1", localAddress: "192.0.2.2" },
  };
  expect(codeOf(incoming({ request }), admission(false))).toBe("unauthorized");
});

it.each([
  ["of an allowed origin", "dev.lever", "https://app.example", "https://app.example"],
  ["of any origin, where all are allowed", "open.lever", "https://evil.example", "*"],
  ["of another origin", "dev.lever", "https://evil.example", undefined],
  ["of no origin", "dev.lever", undefined, undefined],
  [
    "of any origin, in an environment that does not exist",
    "none.lever",
    "https://a.example",
    undefined,
  ],
])(
  "a response is readable by the allowed pages only: %s",
  (_name, environment, origin, readable) => {
    const headers = origin === undefined ? {} : { origin };
    expect(admission().readableOrigin(environment, { headers })).toBe(readable);
  },
);

it("a preflight of another origin is refused", () => {
  const request = { headers: { origin: "https://evil.example" }, socket: loopback };
  expect(() => admission().admitPreflight("dev.lever", request)).toThrow(LeverError);
  expect(() => admission().admitPreflight("open.lever", request)).not.toThrow();
});

import { defaultLimits, LeverError, LOG_READER, OUTSIDE } from "@leveros/protocol";
import { expect, it } from "vitest";
import { TokenIndex, tokenHash } from "../../access/token-index.ts";
import type { EnvironmentAccess } from "../../router/environment-access.ts";
import { Sites } from "../../router/sites.ts";
import { Admission } from "./admit-call.ts";

const here = { remoteAddress: "127.0.0.1", localAddress: "127.0.0.1" };
const elsewhere = { remoteAddress: "192.0.2.1", localAddress: "192.0.2.2" };
const target = { environment: "prod.lever", service: "web", resource: "", method: "fetch" };

/** A token "known", unless there is none, and an environment that lists its origins. */
function admission({ isPublic = false, hasToken = true }): Admission {
  const access = new TokenIndex({ wallTime: () => 0, isLocalOnly: false });
  const environment: EnvironmentAccess = { corsOrigins: new Set(), kind: "services", isPublic };
  if (hasToken) {
    access.add({
      id: "t",
      hash: tokenHash("known"),
      environments: ["*"],
      rights: ["invoke"],
      note: "",
      createdAt: 0,
      expiresAt: undefined,
    });
  }
  const router = {
    sites: new Sites(),
    environment: (name: string) => (name === "prod.lever" ? { access: environment } : undefined),
  };
  return new Admission({ router, access, limits: defaultLimits });
}

function admit(
  gate: Admission,
  headers: Record<string, string>,
  socket = elsewhere,
): ReturnType<Admission["admitSite"]> | string {
  try {
    return gate.admitSite(target, {
      method: "PUT",
      headers: { host: "x.example", ...headers },
      socket,
    });
  } catch (error) {
    return error instanceof LeverError ? error.code : String(error);
  }
}

const known = "Bearer known";
const foreign = "Bearer of-the-app";

it.each([
  ["a token of Lever is checked, and taken away", known, { isPublic: false }, undefined],
  ["a token of Lever is taken away where none is needed", known, { isPublic: true }, undefined],
  ["a token of the app is passed on where none is needed", foreign, { isPublic: true }, foreign],
])("%s", (_what, authorization, options, passed) => {
  const headers = { authorization, "x-own": "kept" };
  expect(admit(admission(options), headers)).toMatchObject({
    admitted: { caller: OUTSIDE, target, isStream: true, timeoutMs: 0 },
    headers: { "x-own": "kept" },
  });
  const found = admit(admission(options), headers);
  expect(typeof found === "string" ? found : found.headers.authorization).toBe(passed);
});

it("a token of the app does not replace the one of Lever", () => {
  expect(admit(admission({}), { authorization: foreign })).toBe("unauthorized");
  expect(admit(admission({}), {})).toBe("unauthorized");
});

it("the app's token is passed on from this machine while no token exists", () => {
  const headers = { host: "127.0.0.1", authorization: foreign };
  const found = admit(admission({ hasToken: false }), headers, here);
  expect(found).toMatchObject({ admitted: { caller: LOG_READER }, headers });
});

it("pages of other origins may send requests, and other sites may not by another host name", () => {
  const gate = admission({ hasToken: false });
  const page = { origin: "https://evil.example", "sec-fetch-site": "cross-site" };
  expect(admit(gate, { ...page, host: "127.0.0.1" }, here)).toBeTypeOf("object");
  expect(admit(gate, { ...page, host: "web.prod.lever.localhost" }, here)).toBeTypeOf("object");
  expect(admit(gate, { host: "prod.lever" }, here)).toBeTypeOf("object");
  expect(admit(gate, { ...page, host: "prod.lever" }, here)).toBe("forbidden");
  expect(admit(gate, { ...page, host: "evil.example" }, here)).toBe("forbidden");
  expect(admit(gate, { ...page, host: "other.prod.lever.localhost" }, here)).toBe("forbidden");
});

it.each(["grpc", "clientLink"] as const)(
  "no other door makes the call of a request: %s",
  (door) => {
    const request = { headers: { host: "127.0.0.1" }, socket: here };
    const call = { door, target, request, isStream: true, askedMs: 0 };
    expect(() => admission({ hasToken: false }).admitCall(call)).toThrow(
      "fetch answers HTTP requests",
    );
  },
);

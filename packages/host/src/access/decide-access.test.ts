import type { Right } from "@leveros/protocol";
import { describe, expect, it } from "vitest";
import { type Decision, decideAccess, type Grant, type Principal } from "./decide-access.ts";

const NOW = 1_000;
const rights: readonly Right[] = ["invoke", "look", "deploy", "admin"];
const places = ["dev.lever", "other.lever", "open.lever", "*"] as const;

const token = (
  granted: readonly Right[],
  environments = ["dev.lever"],
  expiresAt?: number,
): Grant => ({
  rights: granted,
  environments,
  expiresAt,
});

/** The access of each principal: `i`nvoke, `l`ook, `d`eploy, `a`dminister in dev.lever, other.lever, open.lever (public), everywhere. */
const table: readonly (readonly [
  who: string,
  Principal["credential"],
  isLocal: boolean,
  hasTokens: boolean,
  may: string,
])[] = [
  ["no token, from here, before there are tokens", "none", true, false, "ilda ilda ilda ilda"],
  ["no token, from here, once there are tokens", "none", true, true, "---- ---- i--- ----"],
  [
    "no token, from elsewhere, before there are tokens",
    "none",
    false,
    false,
    "---- ---- i--- ----",
  ],
  ["no token, from elsewhere, once there are tokens", "none", false, true, "---- ---- i--- ----"],
  [
    "an unknown token, from here, before there are tokens",
    "unknown",
    true,
    false,
    "---- ---- ---- ----",
  ],
  ["a revoked token, from elsewhere", "unknown", false, true, "---- ---- ---- ----"],
  ["an expired token, from here", token(["admin"], ["*"], NOW), true, true, "---- ---- ---- ----"],
  ["one that expires later", token(["admin"], ["*"], NOW + 1), false, true, "ilda ilda ilda ilda"],
  ["look in dev.lever", token(["look"]), false, true, "-l-- ---- i--- ----"],
  ["invoke in dev.lever", token(["invoke"]), false, true, "i--- ---- i--- ----"],
  ["deploy in dev.lever", token(["deploy"]), false, true, "-ld- ---- i--- ----"],
  [
    "invoke and deploy in dev.lever",
    token(["invoke", "deploy"]),
    false,
    true,
    "ild- ---- i--- ----",
  ],
  ["admin in dev.lever", token(["admin"]), false, true, "ilda ---- i--- ----"],
  ["admin in dev.lever, from here", token(["admin"]), true, true, "ilda ---- i--- ----"],
  ["invoke everywhere", token(["invoke"], ["*"]), false, true, "i--- i--- i--- i---"],
  [
    "deploy in two",
    token(["deploy"], ["dev.lever", "other.lever"]),
    false,
    true,
    "-ld- -ld- i--- ----",
  ],
  ["admin everywhere", token(["admin"], ["*"]), false, true, "ilda ilda ilda ilda"],
  ["a token that allows nothing", token([]), false, true, "---- ---- i--- ----"],
];

describe("access", () => {
  it.each(table)(
    "is decided by token and place: %s",
    (_who, credential, isLocal, hasTokens, may) => {
      const found = places.map((environment) =>
        rights.map((right) => {
          const check = { right, environment, isPublic: environment === "open.lever" };
          const decision = decideAccess({ credential, isLocal }, check, { hasTokens, now: NOW });
          return decision === "allowed" ? right.charAt(0) : "-";
        }),
      );
      expect(found.map((letters) => letters.join("")).join(" ")).toBe(may);
    },
  );

  it.each<[string, Principal["credential"], Decision]>([
    ["no token", "none", "unauthorized"],
    ["an unknown one", "unknown", "unauthorized"],
    ["an expired one", token(["admin"], ["*"], NOW - 1), "unauthorized"],
    ["one that allows less", token(["invoke"]), "forbidden"],
  ])(
    "is unauthorized or forbidden by whether a token is valid: %s",
    (_name, credential, decision) => {
      const check = { right: "deploy", environment: "dev.lever", isPublic: false } as const;
      const principal = { credential, isLocal: false };
      expect(decideAccess(principal, check, { hasTokens: true, now: NOW })).toBe(decision);
    },
  );
});

import { expect, it } from "vitest";
import { describeWhoami } from "./describe-whoami.ts";

const token = { id: "1f2e", note: "", createdAt: "2026-03-01T10:00:00Z" };

it.each([
  [
    { ...token, environments: ["*"], rights: ["admin"] as const },
    "You use the token 1f2e, which allows admin in all environments. It does not expire.",
  ],
  [
    {
      ...token,
      note: "ci",
      environments: ["a.lever", "b.lever"],
      rights: ["invoke", "look", "deploy"] as const,
      expiresAt: "2026-06-01T10:00:00Z",
    },
    "You use the token 1f2e (ci), which allows invoke, look and deploy in a.lever and b.lever. It expires at 2026-06-01 10:00 UTC.",
  ],
  [
    null,
    "You need no token here: the host has none, so every program on its machine may do everything.",
  ],
])("a caller is described by its token: %j", (listing, text) => {
  expect(describeWhoami({ token: listing })).toBe(text);
});

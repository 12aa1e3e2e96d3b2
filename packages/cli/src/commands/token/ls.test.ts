import { expect, it } from "vitest";
import { formatTokens } from "./ls.ts";

it("a token is a line with its rights, its age and its end, without the token itself", () => {
  const created = { createdAt: "2026-03-01T10:00:00Z", note: "" };
  expect(
    formatTokens(
      [
        { id: "1f2e3d4c", environments: ["*"], rights: ["admin"], ...created },
        {
          id: "5b6a7988",
          environments: ["dev.lever", "prod.lever"],
          rights: ["invoke", "deploy"],
          ...created,
          expiresAt: "2026-06-01T10:00:00Z",
          note: "ci",
        },
      ],
      Date.parse("2026-03-01T12:00:00Z"),
    ),
  ).toBe(
    `TOKEN     ENVIRONMENTS          RIGHTS         AGE  EXPIRES (UTC)     NOTE
1f2e3d4c  *                     admin          2h   never
5b6a7988  dev.lever,prod.lever  invoke,deploy  2h   2026-06-01 10:00  ci`,
  );
});

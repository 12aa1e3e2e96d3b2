import { expect, it } from "vitest";
import { formatAudit } from "./audit.ts";

it("a change is a line with its time, its principal, its method and its outcome", () => {
  const entry = {
    at: "2026-03-01T10:00:00.500Z",
    principal: "local",
    method: "setVariable",
    environment: "dev.lever",
    target: "hello",
    outcome: "done",
  };
  expect(formatAudit([entry])).toBe(
    `AT (UTC)             BY     METHOD       ENVIRONMENT  TARGET  OUTCOME
2026-03-01 10:00:00  local  setVariable  dev.lever    hello   done`,
  );
});

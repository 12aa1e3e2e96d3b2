import { expect, it } from "vitest";
import { formatAudit } from "./audit.ts";

it("a change is a line with its time, author, method, target, version and outcome", () => {
  const entry = {
    at: "2026-03-01T10:00:00.500Z",
    principal: "local",
    environment: "dev.lever",
    target: "hello",
    outcome: "done",
  };
  const deploy = { ...entry, method: "deployServiceChan", version: 12 };
  const change = { ...entry, method: "setVariable" };
  expect(formatAudit([deploy, change], { isLocal: false })).toBe(
    `AT (UTC)             BY     METHOD             ENVIRONMENT  TARGET  VERSION  OUTCOME
2026-03-01 10:00:00  local  deployServiceChan  dev.lever    hello   12       done
2026-03-01 10:00:00  local  setVariable        dev.lever    hello            done`,
  );
});

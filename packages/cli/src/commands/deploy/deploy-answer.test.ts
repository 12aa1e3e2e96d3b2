import type { IncomingHttpHeaders } from "node:http";
import { expect, it } from "vitest";
import { type DeployOutcome, readDeployAnswer } from "./deploy-answer.ts";

const report = {
  environment: "dev.lever",
  service: "hello",
  version: 2,
  methods: ["sayHello"],
  warnings: [],
  archiveBytes: 10,
  unpackedBytes: 20,
  entries: 2,
  times: { uploadMs: 1, unpackMs: 2, startMs: 3, totalMs: 6 },
};

function read(status: number, body: string, headers: IncomingHttpHeaders = {}): DeployOutcome {
  return readDeployAnswer({ status, headers, body: Buffer.from(body) });
}

it("a line with a report means that the service is deployed", () => {
  expect(read(200, `${JSON.stringify(report)}\n`)).toEqual({ kind: "deployed", report });
});

it("an error of the method means that the service cannot be deployed", () => {
  const headers = { "lever-error": "method" };
  expect(read(500, '"No methods."', headers)).toEqual({ kind: "refused", reason: "No methods." });
  expect(read(500, '{"a":1}', headers)).toEqual({ kind: "refused", reason: '{"a":1}' });
  expect(read(500, "", headers)).toEqual({ kind: "refused", reason: "the host gave no reason." });
});

it.each(["invalid_service", "invalid_archive", "start_failed", "too_large", "not_supported"])(
  "Lever's error %s means that the service cannot be deployed",
  (code) => {
    const body = JSON.stringify({ code, detail: "Not so." });
    expect(read(400, body, { "lever-error": "platform" })).toEqual({
      kind: "refused",
      reason: "Not so.",
    });
  },
);

it.each([
  ["overloaded", "overloaded"],
  ["from_the_future", "internal"],
])("Lever's error %s is a failure of Lever", (code, readAs) => {
  const outcome = read(503, JSON.stringify({ code, detail: "Later." }), {
    "lever-error": "platform",
  });
  expect(outcome).toMatchObject({ kind: "failed", error: { code: readAs, message: "Later." } });
});

it("an unreadable answer of Lever is reported with its status", () => {
  expect(read(503, "<html>", { "lever-error": "platform" })).toMatchObject({
    kind: "failed",
    error: { code: "internal", message: "Lever answered with status 503." },
  });
});

it("an error after the first line of the answer is its last line", () => {
  expect(read(200, '{"progress":1}\n{"error":"It does not start."}\n')).toEqual({
    kind: "refused",
    reason: "It does not start.",
  });
  const problem = { error: { code: "unavailable", detail: "The host stops." } };
  expect(read(200, `${JSON.stringify(problem)}\n`)).toMatchObject({
    kind: "failed",
    error: { code: "unavailable", message: "The host stops." },
  });
});

it.each([
  [200, "<html>Welcome!</html>"],
  [200, ""],
  [200, '{"service":"hello"}\n'],
  [404, "not found"],
])("an answer with status %d and the body %j is not from a Lever host", (status, body) => {
  expect(read(status, body)).toMatchObject({ kind: "failed", error: { code: "unreachable" } });
});

import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openTestGateway, type TestGateway } from "../../../../../tests/harness/test-gateway.ts";

const run = promisify(execFile);
const BODY_BYTES = 1_000_000;

let gateway: TestGateway;
let folder: string;
let body: string;

beforeAll(async () => {
  gateway = await openTestGateway();
  folder = mkdtempSync(join(tmpdir(), "lever-http2-"));
  body = join(folder, "body");
  writeFileSync(body, Buffer.alloc(BODY_BYTES, 7));
});

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const url = (): string => `http://127.0.0.1:${gateway.port}/svc/echo?forceenv=dev.lever`;
const BYTES = "content-type: application/octet-stream";

describe("curl", { tags: ["needs-curl"] }, () => {
  const curl = async (...args: readonly string[]): Promise<string> => {
    const written = ["-w", "%{http_version} %{http_code} %{size_download}", "-o", "/dev/null"];
    const { stdout } = await run("curl", [
      ...["-s", "--max-time", "20", "--http2-prior-knowledge", "-H", BYTES],
      ...[...written, ...args, url()],
    ]);
    return stdout;
  };

  it.each<[string, () => readonly string[], string]>([
    ["a short body", () => ["-d", "abc"], "2 200 3"],
    ["a body over the windows", () => ["--data-binary", `@${body}`], `2 200 ${BODY_BYTES}`],
    [
      "a body that it is asked for",
      () => ["-H", "expect: 100-continue", "--data-binary", `@${body}`],
      `2 200 ${BODY_BYTES}`,
    ],
  ])("curl gets %s back", async (_what, args, answer) => {
    expect(await curl(...args())).toBe(answer);
  });

  it("curl gets 431 for headers over the limit", async () => {
    const answer = await curl("-H", `a: ${"x".repeat(20_000)}`, "-d", "[]");
    expect(answer).toMatch(/^2 431 /);
  });
});

describe("nghttp2", { tags: ["needs-nghttp2"] }, () => {
  it.each([
    ["many short calls", ["-c8", "-m32", "-n500"], 500, "short"],
    ["large bodies with large windows", ["-c2", "-m4", "-n6", "-w20", "-W24"], 6, "body"],
    ["large bodies with the smallest windows", ["-c1", "-m2", "-n2"], 2, "body"],
  ])("h2load carries %s", async (_what, args, calls, sent) => {
    const file = sent === "body" ? body : join(folder, "short");
    writeFileSync(join(folder, "short"), '["x"]');
    const { stdout } = await run("h2load", [...args, "-t1", "-d", file, "-H", BYTES, url()]);
    expect(stdout).toContain(`status codes: ${calls} 2xx, 0 3xx, 0 4xx, 0 5xx`);
  });
});

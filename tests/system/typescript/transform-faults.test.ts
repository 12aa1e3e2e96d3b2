import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callMethod, deployArchive } from "../../harness/http-call.ts";
import { type RunningLever, startLever } from "../../harness/lever.ts";
import { deployService, testService } from "../../harness/test-service.ts";

const valid =
  "export enum Word { Hello = 'Hello' }\nexport const hello = (): string => Word.Hello;";
const serviceOf = (name: string, files: Record<string, string>): Buffer =>
  testService(files, { name, jsEntry: "server.ts" });

async function refusal(lever: RunningLever, files: Record<string, string>): Promise<string> {
  const answer = await deployArchive(lever.address, serviceOf("faulty", files));
  expect([answer.status, answer.headers["lever-error"]]).toEqual([500, "method"]);
  return answer.text;
}

describe("a deploy of TypeScript", () => {
  let lever: RunningLever;

  beforeAll(async () => {
    lever = await startLever();
  });

  afterAll(() => lever.stop());

  it("a syntax error is refused with file, line and column, and leaves nothing", async () => {
    const files = {
      "server.ts": 'import "./lib/broken.js";',
      "lib/broken.ts": "let a = 1;\nlet = ;",
    };
    expect(await refusal(lever, files)).toContain(
      "Cannot transform the TypeScript: lib/broken.ts:2:7: Expression expected.",
    );
    for (const dir of ["code", "staging", "archives"]) {
      expect(readdirSync(join(lever.dataDir, dir)), dir).toEqual([]);
    }
  });

  it("syntax that is nested too deeply is refused", async () => {
    const files = { "server.ts": `export const a = ${"[".repeat(100_000)}${"]".repeat(100_000)};` };
    expect(await refusal(lever, files)).toContain(
      "its syntax is nested too deeply, or its imports are, for the compiler.",
    );
  });

  it("a tsconfig.json that extends a missing file is refused", async () => {
    const files = { "server.ts": valid, "tsconfig.json": '{ "extends": "../base.json" }' };
    expect(await refusal(lever, files)).toContain(
      "What a tsconfig.json extends must be in the service folder.",
    );
  });

  it("a stack has the position in the source of a service's own source map", async () => {
    // The first line of the script is the tenth of the source.
    const map = { version: 3, sources: ["../src/server.ts"], names: [], mappings: "AASA" };
    const code = "exports.stack = () => new Error('here').stack;";
    const files = {
      "dist/server.js": `${code}\n//# sourceMappingURL=server.js.map\n`,
      "dist/server.js.map": JSON.stringify(map),
    };
    await deployService(lever, testService(files, { name: "mapped", jsEntry: "dist/server.js" }));
    const { text } = await callMethod(lever.address, "/mapped/stack", []);
    expect(text).toMatch(/\/src\/server\.ts:10:1\)/);
  });

  it("a load error has the position in the source", async () => {
    const files = {
      "server.ts": "interface A { a: 1 }\n\nthrow new Error('no ' + (1 as unknown as A));",
    };
    const answer = await deployArchive(lever.address, serviceOf("throwing", files));
    expect(answer.text).toMatch(/server\.ts:3:7/);
  });
});

describe("the limit", () => {
  it.each([
    ["transformTimeoutMs", 1, "it took longer than the limit transformTimeoutMs allows, 1 ms"],
    ["transformRamMb", 60, "it needed more memory than the limit transformRamMb allows, 60 MB"],
  ])("the limit %s ends a transform that exceeds it", async (limit, value, reason) => {
    await using lever = await startLever({ args: ["--limit", `${limit}=${value}`] });
    const words = Array.from(
      { length: 40_000 },
      (_, index) => `export const a${index} = [${index}];`,
    );
    expect(await refusal(lever, { "server.ts": words.join("\n") })).toContain(reason);
    await deployService(lever, testService("exports.a = () => 1;", { name: "javascript" }));
  });
});

it("code that a host has to unpack again is transformed again", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "lever-test-"));
  try {
    const first = await startLever({ dataDir });
    await deployService(first, serviceOf("again", { "server.ts": valid }));
    await first.stop();
    rmSync(join(dataDir, "code"), { recursive: true });
    await using second = await startLever({ dataDir });
    expect((await callMethod(second.address, "/again/hello", [])).json()).toBe("Hello");
    const [codeId = ""] = readdirSync(join(dataDir, "code"));
    expect(readFileSync(join(dataDir, "code", codeId, "server.ts"), "utf8")).toContain("(Word) {");
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
});

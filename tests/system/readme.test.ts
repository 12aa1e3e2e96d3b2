import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { aboutLimit, defaultLimits, leverJsonSchema, limitNames } from "@leveros/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { escapeHtml } from "../../scripts/docs-site/render-page.ts";
import { callMethod } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { cleanEnvironment } from "../harness/run-lever.ts";
import { deployService, testService } from "../harness/test-service.ts";
import { blockAfter, RUN_BY_TEST } from "./readme-commands.ts";

const root = join(import.meta.dirname, "../..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");

describe("the README", () => {
  const readme = read("README.md");
  const commands = blockAfter(readme, RUN_BY_TEST).trim().split("\n");
  let lever: RunningLever;

  beforeAll(async () => {
    lever = await startLever();
  });

  afterAll(() => lever.stop());

  it("every command of the README succeeds as it stands", {
    tags: ["needs-curl"],
    timeout: 60_000,
  }, async () => {
    expect(commands).toHaveLength(4);
    const outputs: string[] = [];
    for (const command of commands) {
      const here = command.replaceAll("localhost:8080", lever.address);
      const env = { ...cleanEnvironment(), LEVEROS_IP_PORT: lever.address };
      const { stdout } = await promisify(execFile)("bash", ["-ec", here], { cwd: root, env });
      outputs.push(stdout);
    }
    expect(outputs[0]).toContain("sayHello");
    expect(outputs[1]).toBe('"Hello, world!"\n');
    expect(outputs[2]).toBe('"Hello, world!"');
    expect(outputs[3]).toMatch(/helloService/);
  });

  it("the recording of a terminal shows the commands of the README", () => {
    const picture = read("docs/guide/terminal.svg");
    for (const command of commands) expect(picture).toContain(`>$ ${escapeHtml(command)}</text>`);
  });

  it("the TypeScript service of the README works as it stands", async () => {
    await lever.lever(["deploy", "examples/hello"], { cwd: root });
    const files = { "server.ts": blockAfter(readme, "deployed by tests/system/readme.test.ts") };
    await deployService(lever, testService(files, { name: "greeters", jsEntry: "server.ts" }));
    const answer = await callMethod(lever.address, "/greeters/greetAll", [["Ada", "Bob"]]);
    expect(answer.json()).toEqual(["Hello, Ada!", "Hello, Bob!"]);
  });
});

describe("the reference", () => {
  it("the reference lists every limit with its default and what it bounds", () => {
    const rows = limitNames.map(
      (name) => `| \`${name}\` | ${defaultLimits[name]} | ${aboutLimit(name)} |`,
    );
    const page = read("docs/reference/limits.md");
    expect(page.slice(page.indexOf("| `")).trimEnd().split("\n")).toEqual(rows);
  });

  it("the JSON Schema of lever.json is the parser's", () => {
    expect(JSON.parse(read("packages/protocol/lever-schema.json"))).toEqual(leverJsonSchema);
  });
});

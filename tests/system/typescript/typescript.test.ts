import type { DeployReport } from "@leveros/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ArchiveEntry, archiveOf } from "../../harness/archive.ts";
import { callMethod } from "../../harness/http-call.ts";
import { type RunningLever, startLever } from "../../harness/lever.ts";
import { deployService } from "../../harness/test-service.ts";
import { type TypeScriptService, typeScriptServices } from "./services.ts";

describe("TypeScript (process)", () => testTypeScript("process"));
describe("TypeScript (oci)", { tags: ["needs-containers"] }, () => testTypeScript("oci"));

function testTypeScript(isolation: "oci" | "process"): void {
  let lever: RunningLever;
  const call = async (service: string, method: string): Promise<unknown> =>
    (await callMethod(lever.address, `/${service}/${method}`, [])).json();

  beforeAll(async () => {
    lever = await startLever({ isolation });
  });

  afterAll(() => lever.stop());

  describe.each(typeScriptServices)("$name", (service) => {
    const { name, answers, failing } = service;
    let report: DeployReport;

    beforeAll(async () => {
      report = await deployService(lever, archiveOfTypeScript(service));
    });

    it(`the TypeScript of ${name} (${isolation}) answers as compiled by tsc`, async () => {
      expect(report.times.transformMs).toBeGreaterThan(0);
      const found: Record<string, unknown> = {};
      for (const method of Object.keys(answers)) found[method] = await call(name, method);
      expect(found).toEqual(answers);
    });

    it(`stacks of ${name} (${isolation}) have the positions of its sources`, async () => {
      for (const [method, position] of Object.entries(failing)) {
        const frame = `/${position})`;
        expect(String(await call(name, method)), method).toContain(frame);
      }
    });
  });
}

function archiveOfTypeScript({ name, jsEntry, files }: TypeScriptService): Buffer {
  const links: ArchiveEntry[] = Object.keys(files).flatMap((path) => {
    const [, folder = ""] =
      /^node_modules\/(\.workspace\/packages\/(?:[^/]+))\/package\.json$/.exec(path) ?? [];
    if (folder === "") return [];
    const named = String(JSON.parse(files[path] ?? "").name);
    const up = named.includes("/") ? "../" : "";
    return [{ path: `node_modules/${named}`, type: "SymbolicLink", linkpath: `${up}${folder}` }];
  });
  const entries = { "lever.json": JSON.stringify({ name, jsEntry }), ...files };
  return archiveOf([...Object.entries(entries).map(([path, body]) => ({ path, body })), ...links]);
}

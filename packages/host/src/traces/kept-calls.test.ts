import { appendFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { makeTemporaryFolder } from "../../../../tests/harness/temporary-folder.ts";
import { KeptCalls, type KeptTrace } from "./kept-calls.ts";

const trace = (id: string): KeptTrace => ({ environment: "dev.lever", id, traceId: "", calls: [] });
const fail = (error: unknown): void => {
  throw error;
};

async function ids(kept: KeptCalls, contains = ""): Promise<string[]> {
  const found: string[] = [];
  for await (const { id } of kept.read(contains)) found.push(id);
  return found;
}

it("traces are read again by another process, and half a line is passed over", async () => {
  await using folder = await makeTemporaryFolder();
  const dir = join(folder.path, "calls");
  const options = { dir, bytesMax: 100_000, onError: fail };
  const kept = new KeptCalls(options);
  for (const id of ["a00-1", "a00-2"]) kept.add("failed", trace(id));
  kept.add("slow", trace("a00-3"));
  await kept.written();
  appendFileSync(join(dir, "failed-current.ndjson"), '{"environment":"dev.le');
  const again = new KeptCalls(options);
  expect(await ids(again)).toEqual(["a00-1", "a00-2", "a00-3"]);
  expect(await ids(again, '"id":"a00-2"')).toEqual(["a00-2"]);
});

it("the files have a bounded size, and failed calls are not displaced by slow ones", async () => {
  await using folder = await makeTemporaryFolder();
  const dir = join(folder.path, "calls");
  const kept = new KeptCalls({ dir, bytesMax: 4_000, onError: fail });
  kept.add("failed", trace("a00-1"));
  for (let number = 0; number < 200; number++) {
    kept.add("slow", trace(`a00-s${number}`));
    await kept.written();
  }
  const found = await ids(kept);
  expect([found[0], found.at(-1)]).toEqual(["a00-1", "a00-s199"]);
  const bytes = readdirSync(dir).reduce((sum, file) => sum + statSync(join(dir, file)).size, 0);
  expect(bytes).toBeLessThanOrEqual(4_000);
});

it("without bytes for them, no traces are kept, and no folder is made", async () => {
  await using folder = await makeTemporaryFolder();
  const dir = join(folder.path, "calls");
  const kept = new KeptCalls({ dir, bytesMax: 0, onError: fail });
  kept.add("failed", trace("a00-1"));
  expect(await ids(kept)).toEqual([]);
  expect(() => statSync(dir)).toThrow(/ENOENT/);
});

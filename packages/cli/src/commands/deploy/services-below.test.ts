import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { findServicesBelow } from "./services-below.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lever-below-"));
});

afterEach(() => rm(folder, { recursive: true }));

async function put(path: string): Promise<void> {
  await mkdir(join(folder, path), { recursive: true });
  await writeFile(join(folder, path, "lever.json"), "{}");
}

it("services are found in folders below, but not within services, packages and hidden folders", async () => {
  for (const path of ["b", "b/inner", "services/a", "node_modules/x", ".git/x", "1/2/3/4/5"]) {
    await put(path);
  }
  expect(await findServicesBelow(folder)).toEqual(["b", "services/a"]);
});

it("at most 20 services are found", async () => {
  for (let index = 0; index < 30; index++) await put(`s${index}`);
  expect(await findServicesBelow(folder)).toHaveLength(20);
});

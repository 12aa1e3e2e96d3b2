import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { tokenHash } from "../access/token-index.ts";
import { createAdminToken } from "./create-admin-token.ts";
import { openData } from "./open-data.ts";

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "lever-admin-token-"));
});

afterEach(() => rmSync(dir, { recursive: true }));

it("a new admin token is in the store of a stopped host, and in its audit", async () => {
  await openData(dir).store.close();
  const { token, id } = await createAdminToken(dir);
  const { store } = openData(dir);
  expect(await store.tokens()).toMatchObject([
    { id, hash: tokenHash(token), environments: ["*"], rights: ["admin"], expiresAt: undefined },
  ]);
  expect(await store.audit(9)).toMatchObject([
    { principal: "reset", method: "createToken", target: id, outcome: "done" },
  ]);
  await store.close();
});

it("a data folder that a host uses is refused", async () => {
  const { store } = openData(dir);
  await expect(createAdminToken(dir)).rejects.toMatchObject({ problem: "dataFolderInUse" });
  await store.close();
});

it("a folder that is not a data folder is refused, and stays as it is", async () => {
  const other = join(dir, "other");
  await expect(createAdminToken(other)).rejects.toThrow("it is not the data folder of a host");
});

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openEpochs } from "./epochs.ts";
import { openSqliteStore, type SqliteStore } from "./sqlite-store.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lever-epochs-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const open = (): SqliteStore => openSqliteStore(join(folder, "lever.sqlite"));

it("epochs increase, also over restarts", async () => {
  let last = 0;
  for (let run = 0; run < 3; run++) {
    const store = open();
    const take = await openEpochs(store.notes);
    for (let i = 0; i < 12_345; i++) {
      const epoch = take();
      expect(epoch).toBeGreaterThan(last);
      last = epoch;
      // A host never takes all epochs of a block in one turn of the event loop.
      if (i % 1_000 === 0) await Promise.resolve();
    }
    await store.close();
  }
});

it("an epoch that is not reserved in the store is refused", async () => {
  const store = open();
  const take = await openEpochs({
    write: () => Promise.reject(new Error("full")),
    read: store.notes.read,
  }).catch(() => undefined);
  expect(take).toBeUndefined();
  let writes = 0;
  const failing = await openEpochs({
    ...store.notes,
    write: (name, value) =>
      ++writes > 1 ? Promise.reject(new Error("full")) : store.notes.write(name, value),
  });
  for (let i = 0; i < 10_000; i++) failing();
  expect(failing).toThrow("Cannot place the resource: the store takes no writes.");
  await store.close();
});

it("epochs increase when a copy of the store takes its place", async () => {
  const store = open();
  await openEpochs(store.notes);
  const file = join(folder, "copy.sqlite");
  await store.copyTo(file);
  const taken = (await openEpochs(store.notes))();
  await store.close();
  const copy = openSqliteStore(file);
  expect((await openEpochs(copy.notes))()).toBeGreaterThan(taken);
  await copy.close();
});

import { expect, it } from "vitest";
import type { VersionRecord } from "../store/store.ts";
import { ServicePreparation } from "./service-preparation.ts";

function preparation(): { prepared: string[]; add: (service: string, codeId?: string) => void } & {
  of: ServicePreparation;
  finish: () => void;
} {
  const prepared: string[] = [];
  let finish = (): void => {};
  const of = new ServicePreparation({
    codeDirOf: async ({ codeId }) => `/code/${codeId}`,
    serviceDataDir: "/services",
    makeDir: () => {},
    async prepare({ codeDir, dataDir }) {
      prepared.push(`${codeDir} ${dataDir}`);
      if (codeDir === "/code/fails") throw new Error("no");
      if (codeDir === "/code/waits") await new Promise<void>((resolve) => (finish = resolve));
    },
  });
  const add = (service: string, codeId = service): void =>
    of.add({ environment: "dev", service, codeId } as VersionRecord);
  return { of, prepared, add, finish: () => finish() };
}

const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

it("services are prepared one after the other, in their latest version, also after a failure", async () => {
  const { prepared, add, finish } = preparation();
  add("a", "fails");
  add("b", "old");
  add("c", "waits");
  add("b", "new");
  await settle();
  expect(prepared).toEqual(["/code/fails /services/dev/a", "/code/waits /services/dev/c"]);
  finish();
  await settle();
  expect(prepared.slice(2)).toEqual(["/code/new /services/dev/b"]);
});

it("of very many services that are added at once, the last 64 are prepared", async () => {
  const { prepared, add, of } = preparation();
  for (let i = 0; i < 1_000; i++) add(`s${i}`);
  while (prepared.length < 64) await settle();
  await of.close();
  expect(prepared[0]).toBe("/code/s936 /services/dev/s936");
  expect(prepared).toHaveLength(64);
});

it("services of a removed environment are not prepared, and no longer being prepared", async () => {
  const { prepared, add, of, finish } = preparation();
  add("a", "waits");
  add("b");
  await settle();
  let isForgotten = false;
  const forgotten = of.forget("dev").then(() => {
    isForgotten = true;
  });
  await settle();
  expect(isForgotten).toBe(false);
  finish();
  await forgotten;
  await of.close();
  expect(prepared).toEqual(["/code/waits /services/dev/a"]);
});

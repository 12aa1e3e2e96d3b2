// Services whose JavaScript objects need more memory than their `ram` has, in both isolations.
import { Client } from "leveros";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { deployService, testService } from "../harness/test-service.ts";

const SERVICE = `
const { Worker } = require("node:worker_threads");
const inThread = (code) => new Promise((done, fail) => new Worker(code, { eval: true }).on("error", fail).on("exit", done));
exports.objects = () => { for (const held = []; ; ) held.push({ held: [held.length] }); };
exports.array = () => { for (const held = []; ; ) held.push(new Array(1e6).fill(held.length + 0.5)); };
exports.string = () => { for (const held = []; ; ) held.push(Buffer.alloc(8e6, "x").toString()); };
exports.thread = () => inThread("for (const held = []; ; ) held.push(new Array(1e6).fill(held.length + 0.5));");
exports.threadObjects = () => inThread("for (const held = []; ; ) held.push({ held: [held.length] });");
exports.hello = () => "hello";
`;
/** Small, so that a heap is full soon. */
const RAM_MB = 64;
const NAMES_RAM = /memory.*the 64 MB that "ram" allots/;

describe.each([
  ["process", []],
  ["oci", ["needs-containers"]],
] as const)("a full heap (%s)", (isolation, tags) => {
  let lever: RunningLever;
  const invoke = (method: string): Promise<unknown> =>
    new Client({ forceHost: lever.address }).service("dev.lever", "full").invoke(method);

  beforeAll(async () => {
    lever = await startLever({ isolation });
    await deployService(lever, testService(SERVICE, { name: "full", ram: RAM_MB }));
  }, 60_000);

  afterAll(() => lever?.stop());

  test.each([
    ["objects", "objects"],
    ["an array", "array"],
    ["strings", "string"],
    ["an array of a thread", "thread"],
  ])(
    `a heap full of %s fails the call with the ram (${isolation})`,
    {
      tags: [...tags],
    },
    async (_, method) => {
      await expect(invoke(method)).rejects.toThrow(NAMES_RAM);
    },
  );

  test(`a thread with a full heap ends alone (${isolation})`, { tags: [...tags] }, async () => {
    await expect(invoke("threadObjects")).rejects.toThrow(/memory limit.*the 64 MB that "ram"/);
    expect(await invoke("hello")).toBe("hello");
  });
});

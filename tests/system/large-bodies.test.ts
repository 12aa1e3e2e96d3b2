import { createHash } from "node:crypto";
import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { Agent, request } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../harness/eventually.ts";
import { callMethod } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { seededRandom } from "../harness/seeded-random.ts";
import { deployService, testService } from "../harness/test-service.ts";

const CODE = `
  const { createHash } = require("node:crypto");
  exports.hash = (bytes) => createHash("sha256").update(bytes).digest("hex");
  exports.echo = (text) => text;
  exports.openFiles = () => require("node:child_process").execFileSync("ls", ["-l", "/proc/self/fd"]).toString();
`;
const NAMES = ["first", "second"];
const AGENT = new Agent({ keepAlive: true, maxSockets: 12 });

describe("large bodies, process", () => testLargeBodies("process"));
describe("large bodies, oci", { tags: ["needs-containers"] }, () => testLargeBodies("oci"));

function testLargeBodies(isolation: "oci" | "process"): void {
  let lever: RunningLever;

  beforeAll(async () => {
    lever = await startLever({ isolation });
    for (const name of NAMES) {
      await deployService(lever, testService(CODE, { name }));
    }
  }, 60_000);

  afterAll(() => lever.stop());

  /** Calls over kept connections, so that their memory is used again. undefined = the caller has left half-way. */
  function call(path: string, body: Buffer, leaves: boolean): Promise<Buffer | undefined> {
    const type = path.endsWith("hash") ? "application/octet-stream" : "application/json";
    const headers = { "content-type": type, "content-length": body.length };
    return new Promise((resolve, reject) => {
      const url = `http://${lever.address}/${path}?forceenv=dev.lever`;
      const outgoing = request(url, { method: "POST", headers, agent: AGENT }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => resolve(Buffer.concat(chunks)));
        response.on("error", reject);
      });
      outgoing.on("error", (error) => (leaves ? resolve(undefined) : reject(error)));
      if (!leaves) outgoing.end(body);
      else outgoing.write(body.subarray(0, body.length / 2), () => outgoing.destroy());
    });
  }

  test("large bodies arrive unchanged while other callers leave half-way", async () => {
    const random = seededRandom(11);
    const calls = Array.from({ length: 200 }, async (_, index) => {
      const bytes = Math.floor(random() ** 2 * 3_000_000);
      const leaves = random() < 0.2;
      const service = NAMES[index % NAMES.length];
      if (random() < 0.5) {
        const body = Buffer.alloc(bytes, `${index}.`);
        const reply = await call(`${service}/hash`, body, leaves);
        const hash = createHash("sha256").update(body).digest("hex");
        return reply === undefined || reply.toString() === JSON.stringify(hash);
      }
      const text = JSON.stringify(`${index} `.repeat(bytes / 8));
      const reply = await call(`${service}/echo`, Buffer.from(`[${text}]`), leaves);
      return reply === undefined || reply.toString() === text;
    });
    const wrong = (await Promise.all(calls)).flatMap((isRight, index) => (isRight ? [] : [index]));
    expect(wrong).toEqual([]);
  }, 60_000);

  /** Sizes of the shared memory files that the host has open. */
  function sharedSizes(): number[] {
    const dir = `/proc/${lever.pid}/fd`;
    return readdirSync(dir).flatMap((fd) => {
      try {
        const isShared = readlinkSync(`${dir}/${fd}`).startsWith("/dev/shm/lever-");
        return isShared ? [statSync(`${dir}/${fd}`).size] : [];
      } catch {
        // Closed since.
        return [];
      }
    });
  }

  const isUnused = (): boolean => sharedSizes().every((size) => size === 0);

  test("large bodies pass through memory that only the instance shares", async () => {
    await eventually(isUnused);
    const text = "x".repeat(2_000_000);
    const answer = await callMethod(lever.address, "/first/echo", [text]);
    expect(answer.json()).toBe(text);
    expect(sharedSizes().filter((size) => size > 0).length).toBeGreaterThanOrEqual(2);
    // A host that starts meanwhile has names there for a moment.
    await eventually(() => !readdirSync("/dev/shm").some((name) => name.startsWith("lever-")));
  });

  test("shared memory is released after a call", async () => {
    expect((await callMethod(lever.address, "/first/echo", ["x".repeat(2_000_000)])).status).toBe(
      200,
    );
    await eventually(isUnused);
  });

  test("programs that a service starts inherit no shared memory", async () => {
    const files = (await callMethod(lever.address, "/first/openFiles", [])).json() as string;
    expect(files).toContain(" -> ");
    expect(files).not.toContain("lever-");
  });
}

test("large bodies pass through the link where no memory can be shared", {
  tags: ["needs-root"],
}, async () => {
  await using lever = await startLever({
    wrapper: [
      "unshare",
      "--mount",
      "sh",
      "-c",
      'mount -t tmpfs -o ro none /dev/shm; exec "$@"',
      "sh",
    ],
    workers: 2,
    // As if another host had started this one.
    env: { LEVER_SHARES_MEMORY: "yes" },
  });
  await deployService(lever, testService(CODE, { name: "first" }));
  const text = "x".repeat(2_000_000);
  expect((await callMethod(lever.address, "/first/echo", [text])).json()).toBe(text);
  const { pid } = lever;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
    .trim()
    .split(" ")
    // All but the shell that ends lost processes: it has no link.
    .filter((child) => !readFileSync(`/proc/${child}/cmdline`, "utf8").startsWith("/bin/sh"));
  expect(children.length).toBeGreaterThanOrEqual(3);
  for (const child of children) {
    // Otherwise it would take another of its files for the memory.
    const variables = readFileSync(`/proc/${child}/environ`, "utf8").split("\0");
    expect(variables).toContain("LEVER_SHARES_MEMORY=no");
  }
});

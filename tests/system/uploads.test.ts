import { once } from "node:events";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { type ClientRequest, type IncomingMessage, request } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../harness/eventually.ts";
import { deployArchive, type HttpAnswer } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { spawnLever } from "../harness/run-lever.ts";
import { makeTemporaryFolder } from "../harness/temporary-folder.ts";
import { deployService, testService } from "../harness/test-service.ts";

const SILENCE_MS = 3_000;
const DEPLOYS_AT_ONCE = 1;
const SILENT_UPLOADS = 6;

/** Loads until its data folder has the file `go`. */
const SLOW = `
  import { existsSync } from "node:fs";
  const file = process.env.LEVEROS_DATA_DIR + "/go";
  while (!existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 20));
  export const hello = () => "hello";`;

/** An upload that sends its arguments and a part of an archive, and then nothing. */
function openUpload({ address }: RunningLever): ClientRequest {
  const upload = request(`http://${address}/admin/deployServiceChan?forceenv=admin.lever`, {
    method: "POST",
    headers: { "content-type": "application/octet-stream" },
    agent: false,
  });
  upload.on("error", () => {});
  upload.write('["dev.lever"]\nthe first bytes');
  return upload;
}

describe("a host that runs one deploy at once", () => {
  let lever: RunningLever;

  beforeAll(async () => {
    const limits = [
      `uploadSilenceTimeoutMs=${SILENCE_MS}`,
      `concurrentDeploysMax=${DEPLOYS_AT_ONCE}`,
    ];
    lever = await startLever({ args: limits.flatMap((limit) => ["--limit", limit]) });
  });
  afterAll(() => lever.stop());

  it("uploads that send nothing block no deploy, and are ended", async () => {
    const uploads = Array.from({ length: SILENT_UPLOADS }, () => openUpload(lever));
    const answers = uploads.map(async (upload) => {
      const [response] = (await once(upload, "response")) as [IncomingMessage];
      return [response.statusCode, response.headers["lever-error"]];
    });
    const staging = join(lever.dataDir, "staging");
    await eventually(() => readdirSync(staging).length === SILENT_UPLOADS);
    await deployService(lever, testService("exports.hello = () => 1;", { name: "quick" }));
    expect(await Promise.all(answers)).toEqual(Array(SILENT_UPLOADS).fill([408, "platform"]));
    for (const upload of uploads) upload.destroy();
  });

  it("lever deploy prints that it waits for another deploy", async () => {
    const archive = testService({ "server.mjs": SLOW }, { name: "slow", jsEntry: "server.mjs" });
    const slow: Promise<HttpAnswer> = deployArchive(lever.address, archive);
    const slowData = join(lever.dataDir, "services", "dev.lever", "slow");
    await eventually(() => existsSync(slowData));
    await using folder = await makeTemporaryFolder();
    await folder.put({
      "lever.json": { name: "second", jsEntry: "server.js" },
      "server.js": "exports.hello = () => 2;",
    });
    const deploy = spawnLever(["deploy", folder.path], { env: { LEVEROS_IP_PORT: lever.address } });
    let output = "";
    deploy.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
    const [note] = (await once(deploy.stderr, "data")) as [Buffer];
    expect(note.toString()).toBe("lever: Waiting for other deploys of the host: 1 of them run …\n");
    writeFileSync(join(slowData, "go"), "");
    const [status] = (await once(deploy, "close")) as [number];
    expect([status, output]).toEqual([0, expect.stringContaining("for other deploys, unpacked")]);
    expect((await slow).status).toBe(200);
  });
});

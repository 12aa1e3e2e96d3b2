import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { type DeployReport, defaultLimits } from "@leveros/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  answerJson,
  answerMethodError,
  answerProblem,
  type FakeHost,
  startFakeHost,
  startHastyHost,
} from "../../../../../tests/harness/fake-host.ts";
import { type LeverRun, runLever } from "../../../../../tests/harness/run-lever.ts";

const report: DeployReport = {
  environment: "dev.lever",
  service: "hello",
  version: 1,
  methods: ["sayHello"],
  warnings: [],
  archiveBytes: 300,
  unpackedBytes: 400,
  entries: 2,
  times: { uploadMs: 1, unpackMs: 2, startMs: 3, totalMs: 6 },
};

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lever-deploy-"));
  await writeFile(join(folder, "lever.json"), '{"name": "hello", "jsEntry": "server.js"}');
  await writeFile(join(folder, "server.js"), 'exports.sayHello = () => "hello";');
});

afterEach(() => rm(folder, { recursive: true }));

/** The requests without the one for the host's limits. */
function deploysOf(host: FakeHost): FakeHost["requests"] {
  return host.requests.filter(({ url }) => !url.includes("listArchiveLimits"));
}

function hostThatDeploys(): Promise<FakeHost> {
  return startFakeHost((response) => {
    response.writeHead(200, { "content-type": "application/x-ndjson" });
    response.end(`${JSON.stringify(report)}\n`);
  });
}

function deploy(host: FakeHost, args: readonly string[] = []): Promise<LeverRun> {
  return runLever(["deploy", ...args], { cwd: folder, env: { LEVEROS_IP_PORT: host.address } });
}

describe("lever deploy", () => {
  it("sends the environment, then the archive, to the admin service", async () => {
    await using host = await hostThatDeploys();
    const run = await deploy(host, ["-E", "prod.lever"]);
    expect(run).toMatchObject({ status: 0, stderr: "" });
    const [request] = deploysOf(host);
    expect(request).toMatchObject({
      method: "POST",
      url: "/admin/deployServiceChan?forceenv=admin.lever",
    });
    expect(request?.headers).toMatchObject({
      "content-type": "application/octet-stream",
      "transfer-encoding": "chunked",
    });
    const body = request?.body ?? Buffer.alloc(0);
    const lineEnd = body.indexOf("\n");
    expect(body.toString("utf8", 0, lineEnd)).toBe(
      '["prod.lever",{"report":true,"progress":true}]',
    );
    expect(gunzipSync(body.subarray(lineEnd + 1)).toString()).toContain("exports.sayHello");
  });

  it.each([
    [["tar.gz", "tar.zst"], zstdDecompressSync],
    [["tar.gz"], gunzipSync],
    [["tar.future"], gunzipSync],
  ])("to a host that reads %j sends the archive as it reads it", async (formats, decompress) => {
    await using host = await startFakeHost((response, { url }) => {
      if (url.includes("listArchiveLimits")) answerJson(response, { ...defaultLimits, formats });
      else {
        response.writeHead(200, { "content-type": "application/x-ndjson" });
        response.end(`${JSON.stringify(report)}\n`);
      }
    });
    expect(await deploy(host)).toMatchObject({ status: 0, stderr: "" });
    const body = deploysOf(host)[0]?.body ?? Buffer.alloc(0);
    const archive = body.subarray(body.indexOf("\n") + 1);
    expect(decompress(archive).toString()).toContain("exports.sayHello");
  });

  it("takes the folder and the environment of the admin service from the command line", async () => {
    await using host = await hostThatDeploys();
    const run = await runLever(["deploy", folder, "--admin", "other.lever"], {
      env: { LEVEROS_IP_PORT: host.address },
    });
    expect(run.status).toBe(0);
    expect(deploysOf(host)[0]?.url).toBe("/admin/deployServiceChan?forceenv=other.lever");
  });

  it("prints the report as text or as JSON", async () => {
    await using host = await hostThatDeploys();
    const run = await deploy(host);
    expect(run.stdout).toContain("Deployed hello version 1 to dev.lever");
    expect(run.stdout).toContain("lever invoke /hello/sayHello");
    expect(JSON.parse((await deploy(host, ["--json"])).stdout)).toEqual(report);
  });

  it("warns on standard error of fields without effect", async () => {
    await writeFile(join(folder, "lever.json"), '{"name": "hello", "jsentry": "server.js"}');
    await using host = await hostThatDeploys();
    const run = await deploy(host);
    expect(run).toMatchObject({ status: 0 });
    expect(run.stderr).toBe(
      'lever: lever.json: field "jsentry" is unknown and has no effect. Did you mean jsEntry?\n',
    );
  });

  it("sends a large folder completely", async () => {
    const bytes = randomBytes(5_000_000);
    await writeFile(join(folder, "large"), bytes);
    await using host = await hostThatDeploys();
    expect((await deploy(host)).status).toBe(0);
    const body = deploysOf(host)[0]?.body ?? Buffer.alloc(0);
    expect(gunzipSync(body.subarray(body.indexOf("\n") + 1)).includes(bytes)).toBe(true);
  });
});

describe("lever deploy --dry-run", () => {
  it("lists the files with their sizes, and sends nothing", async () => {
    await using host = await hostThatDeploys();
    const run = await deploy(host, ["--dry-run"]);
    expect(run).toMatchObject({ status: 0, stderr: "" });
    expect(run.stdout).toMatch(
      /^SIZE {2}FILE\n41 B {2}lever\.json\n33 B {2}server\.js\n\nWould deploy hello to dev\.lever: 2 files/,
    );
    expect(deploysOf(host)).toEqual([]);
  });

  it("needs no host", async () => {
    const run = await runLever(["deploy", folder, "--dry-run", "--json"], {
      env: { LEVEROS_IP_PORT: "127.0.0.1:1" },
    });
    expect(run.status).toBe(0);
    expect(JSON.parse(run.stdout)).toMatchObject({
      service: "hello",
      entries: [
        { path: "lever.json", bytes: 41 },
        { path: "server.js", bytes: 33 },
      ],
    });
  });
});

describe("lever deploy sends nothing", () => {
  const limits = { archiveBytesMax: 1_000_000, unpackedBytesMax: 5_000_000, archiveEntriesMax: 5 };

  it.each([
    ["archiveBytesMax", { "large.bin": randomBytes(1_100_000) }],
    ["unpackedBytesMax", { "large.bin": Buffer.alloc(5_000_001) }],
    ["archiveEntriesMax", { a: "", b: "", c: "", d: "" }],
  ])("that exceeds the host's limit %s", async (limit, files) => {
    for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, name), bytes);
    await using host = await startFakeHost((response) => answerJson(response, limits));
    const run = await deploy(host);
    expect(run).toMatchObject({ status: 1, stdout: "" });
    expect(run.stderr).toContain("Cannot deploy .: it is too large, so nothing was sent.\n");
    expect(run.stderr).toContain(`the host's limit ${limit} is `);
    expect(deploysOf(host)).toEqual([]);
  });
});

describe("lever deploy fails", () => {
  it("before it calls the host if the folder is wrong: status 1", async () => {
    await rm(join(folder, "server.js"));
    await using host = await hostThatDeploys();
    expect(await deploy(host)).toMatchObject({
      status: 1,
      stdout: "",
      stderr:
        'lever: Cannot deploy .:\n  lever.json: field jsEntry is "server.js"; there is no such file in the folder. There is no JavaScript or TypeScript module in it.\n',
    });
    expect(host.requests).toEqual([]);
  });

  it("with the reason if the host refuses the service: status 1", async () => {
    await using host = await startFakeHost((response) =>
      answerMethodError(response, "No methods."),
    );
    expect(await deploy(host)).toMatchObject({
      status: 1,
      stdout: "",
      stderr: "lever: Cannot deploy hello to dev.lever: No methods.\n",
    });
  });

  it("with the reason if it comes after the first line of the answer: status 1", async () => {
    await using host = await startFakeHost((response) => {
      response.writeHead(200, { "content-type": "application/x-ndjson" });
      response.end('{"error":"It does not start."}\n');
    });
    const run = await deploy(host);
    expect(run).toMatchObject({ status: 1, stdout: "" });
    expect(run.stderr).toContain("It does not start.");
  });

  it("with the code of an error of Lever: status 3", async () => {
    await using host = await startFakeHost((response) =>
      answerProblem(response, 503, { code: "overloaded", detail: "4 deploys are under way." }),
    );
    expect(await deploy(host)).toMatchObject({
      status: 3,
      stdout: "",
      stderr: "lever: 4 deploys are under way. (overloaded)\n",
    });
  });

  it("with the reason if the host answers before it has the archive", async () => {
    await writeFile(join(folder, "large"), randomBytes(10_000_000));
    await using host = await startHastyHost((response) =>
      answerMethodError(response, "It is too large."),
    );
    const run = await deploy(host);
    expect(run).toMatchObject({ status: 1, stdout: "" });
    expect(run.stderr).toBe("lever: Cannot deploy hello to dev.lever: It is too large.\n");
  });

  it("with a remedy if no host answers: status 3", async () => {
    const host = await hostThatDeploys();
    await host[Symbol.asyncDispose]();
    const run = await deploy(host);
    expect(run).toMatchObject({ status: 3, stdout: "" });
    expect(run.stderr).toContain(`Cannot deploy to ${host.address}: nothing answers there`);
    expect(run.stderr).toContain("lever up");
  });

  it("if the connection breaks: status 3", async () => {
    await using host = await startHastyHost((response) => response.destroy());
    const run = await deploy(host);
    expect(run).toMatchObject({ status: 3, stdout: "" });
    expect(run.stderr).toContain("the connection broke in the middle of the upload");
  });

  it("for a missing folder: status 2", async () => {
    await using host = await hostThatDeploys();
    expect(await deploy(host, ["nowhere"])).toMatchObject({
      status: 2,
      stderr: "lever: Cannot deploy nowhere: there is no such folder.\n",
    });
  });
});

import { createHmac, randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { type DeployReport, defaultLimits } from "@leveros/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  answerJson,
  answerProblem,
  type FakeHost,
  startFakeHost,
} from "../../../../../tests/harness/fake-host.ts";
import { type LeverRun, runLever } from "../../../../../tests/harness/run-lever.ts";

const report: DeployReport = {
  environment: "dev.lever",
  service: "hello",
  version: 4,
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

function deploy(host: FakeHost): Promise<LeverRun> {
  return runLever(["deploy"], { cwd: folder, env: { LEVEROS_IP_PORT: host.address } });
}

describe("lever deploy to a host that has files of the service", () => {
  const deployed = { version: 3, salt: "salt" };
  const content = randomBytes(1_500_000);

  /** A host that has the large file, and answers deploys in turn. */
  async function hostThatKeeps(answers: ((response: ServerResponse) => void)[]): Promise<FakeHost> {
    await writeFile(join(folder, "large"), content);
    return await startFakeHost(
      (response, { url, body }) => {
        if (url.includes("listArchiveLimits")) answerJson(response, { ...defaultLimits, deployed });
        else if (url.includes("findKeptFiles")) {
          const [, , , digests] = JSON.parse(body.toString()) as [string, string, number, string[]];
          const digest = createHmac("sha256", "salt").update(content).digest("base64url");
          answerJson(response, [digests.indexOf(digest)]);
        } else if (url.includes("deployServiceChan")) answers.shift()?.(response);
        // The client asks for a link, which is optional.
        else response.writeHead(404).end();
      },
      createServer(),
      "127.0.0.2",
    );
  }

  /** The options and the archive of each deploy. */
  const sentTo = (host: FakeHost): { kept: unknown; archive: Buffer }[] =>
    host.requests
      .filter(({ url }) => url.includes("deployServiceChan"))
      .map(({ body }) => {
        const end = body.indexOf("\n");
        const [, options] = JSON.parse(body.toString("utf8", 0, end)) as [
          string,
          { kept: unknown },
        ];
        return { kept: options.kept, archive: gunzipSync(body.subarray(end + 1)) };
      });

  const deploys = (response: ServerResponse): void => {
    response.writeHead(200, { "content-type": "application/x-ndjson" });
    response.end(`${JSON.stringify(report)}\n`);
  };

  it("names those files, and does not send them", async () => {
    await using host = await hostThatKeeps([deploys]);
    const run = await deploy(host);
    expect(run).toMatchObject({ status: 0, stderr: "" });
    expect(run.stdout).toContain("1 file of version 3 not sent again.");
    const [sent] = sentTo(host);
    const files = [{ path: "large", isExecutable: false, digest: expect.any(String) }];
    expect(sent?.kept).toEqual({ service: "hello", version: 3, files });
    expect(sent?.archive.length).toBeLessThan(10_000);
    expect(sent?.archive.includes("exports.sayHello")).toBe(true);
  });

  it("sends everything when they are gone", async () => {
    const refuses = (response: ServerResponse): void =>
      answerProblem(response, 409, { code: "conflict", detail: "They are gone." });
    await using host = await hostThatKeeps([refuses, deploys]);
    const run = await deploy(host);
    expect(run).toMatchObject({ status: 0, stderr: "" });
    expect(run.stdout).not.toContain("not sent again");
    const [, sent] = sentTo(host);
    expect(sent?.kept).toBeUndefined();
    expect(sent?.archive.includes(content)).toBe(true);
  });
});

import { existsSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callMethod, type HttpAnswer } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { deployService, testService } from "../harness/test-service.ts";

const CODE = `
  exports.secret = () => process.env.SECRET ?? "none";
  exports.end = () => process.exit(0);`;

/** The reason that a caller gets, at once. */
function expectStartFailure(answer: HttpAnswer, { dataDir }: RunningLever, reason: string): void {
  expect([answer.status, answer.json()]).toEqual([
    502,
    expect.objectContaining({ code: "start_failed", detail: expect.stringContaining(reason) }),
  ]);
  expect(answer.text).not.toContain(dataDir);
}

/** A service whose code vanishes while it has no instance. */
async function expectCodeMadeAgain(lever: RunningLever): Promise<void> {
  await callMethod(lever.address, "/plain/end", []);
  await lever.event("instance failed", { service: "plain" });
  rmSync(join(lever.dataDir, "code"), { recursive: true });
  const answer = await callMethod(lever.address, "/plain/secret", []);
  expect([answer.status, answer.text]).toEqual([200, '"none"']);
}

describe("a host that has lost a part of its data", () => {
  let lever: RunningLever;
  let keyFile: string;
  const call = (path: string): Promise<HttpAnswer> => callMethod(lever.address, path, []);

  beforeAll(async () => {
    lever = await startLever();
    keyFile = join(lever.dataDir, "secret.key");
    for (const name of ["plain", "keeper"]) await deployService(lever, testService(CODE, { name }));
    const set = await lever.lever(["secret", "set", "SECRET", "--service", "keeper"], {
      input: "s",
    });
    expect(set.status, set.stderr).toBe(0);
    await lever.kill();
    renameSync(keyFile, `${keyFile}.away`);
    lever = await startLever({ dataDir: lever.dataDir });
  });

  afterAll(async () => {
    await lever.stop();
    rmSync(lever.dataDir, { recursive: true, force: true });
  });

  it("a lost key of secrets is an event at the start", async () => {
    await lever.event("secrets not readable", { secrets: 1, keyFile });
  });

  it("a call of a service with a lost key fails at once with the reason", async () => {
    const reason =
      "Cannot read the secret dev.lever/keeper/SECRET: the key in the host's secret.key";
    expectStartFailure(await call("/keeper/secret"), lever, reason);
    await lever.event("preparation failed", { service: "keeper" });
    expectStartFailure(await call("/keeper/secret"), lever, reason);
  });

  it("no secret is sealed, and no key is made, while the key is lost", async () => {
    const set = await lever.lever(["secret", "set", "OTHER"], { input: "s" });
    expect([set.status, set.stderr]).toEqual([3, expect.stringContaining("Restore the file")]);
    expect(existsSync(keyFile)).toBe(false);
  });

  it("services without secrets are served while the key is lost", async () => {
    expect((await call("/plain/secret")).json()).toBe("none");
  });

  it("code that vanishes is made again at the next start of an instance", async () => {
    await expectCodeMadeAgain(lever);
  });

  it("a call of a service whose code and archive vanished fails at once", async () => {
    const failed = lever.event("instance failed", { service: "plain" }, { after: "now" });
    await call("/plain/end");
    await failed;
    for (const name of ["code", "archives"]) rmSync(join(lever.dataDir, name), { recursive: true });
    expectStartFailure(await call("/plain/secret"), lever, "its code and its archive are missing");
  });

  it("a service is deployed again after its code and archive vanished", async () => {
    await deployService(lever, testService(CODE, { name: "plain" }));
    expect((await call("/plain/secret")).json()).toBe("none");
  });
});

it("code that vanishes is made again for containers", { tags: ["needs-containers"] }, async () => {
  await using lever = await startLever({
    isolation: "oci",
    args: ["--limit", "warmRuntimesMax=0"],
  });
  await deployService(lever, testService(CODE, { name: "plain" }));
  await expectCodeMadeAgain(lever);
});

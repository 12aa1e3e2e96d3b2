import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { CreatedToken } from "@leveros/protocol";
import { Client } from "leveros";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../harness/eventually.ts";
import { callMethod } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { type LeverRun, runLever, spawnLever } from "../harness/run-lever.ts";
import { deployService, testService } from "../harness/test-service.ts";

const keeper = testService(
  `const { readFileSync, writeFileSync } = require("node:fs");
  const file = process.env.LEVEROS_DATA_DIR + "/kept.txt";
  exports.keep = (text) => writeFileSync(file, text);
  exports.kept = () => [readFileSync(file, "utf8"), process.env.API_KEY];`,
  { name: "keeper" },
);

/** They start several processes. */
const slow = { timeout: 60_000 };

describe("a backup of a host that runs", () => {
  let dir: string;
  let file: string;
  let lever: RunningLever;
  let made: LeverRun;

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), "lever-backup-"));
    file = join(dir, "lever.backup");
    lever = await startLever();
    await deployService(lever, keeper);
    await lever.lever(["secret", "set", "API_KEY"], { input: "s3cret" });
    await callMethod(lever.address, "/keeper/keep", ["kept"]);
    made = await lever.lever(["backup", file, "--with-data", "--json"]);
  }, slow.timeout);

  afterAll(async () => {
    await lever?.stop();
    rmSync(dir, { recursive: true });
  });

  const restore = (from: string, to: string): Promise<LeverRun> =>
    runLever(["restore", from, "--data", join(dir, to), "--json"]);
  const up = (to: string): Promise<LeverRun> =>
    runLever(["up", "--port", "0", "--data", join(dir, to)]);

  it("is a file that only its user can read, and is in the audit", async () => {
    expect(made).toMatchObject({ status: 0, stderr: "" });
    expect(JSON.parse(made.stdout)).toMatchObject({
      file,
      bytes: statSync(file).size,
      hasServiceData: true,
      archives: 1,
      archivesLost: 0,
    });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(dir)).toEqual(["lever.backup"]);
    expect((await lever.lever(["audit"])).stdout).toContain("backUpChan");
  });

  it("is restored elsewhere: services, their data and secrets are there", async () => {
    expect(await restore(file, "elsewhere")).toMatchObject({ status: 0, stderr: "" });
    await using restored = await startLever({ dataDir: join(dir, "elsewhere") });
    const answer = await callMethod(restored.address, "/keeper/kept", []);
    expect(answer.json()).toEqual(["kept", "s3cret"]);
  });

  it("is restored after a restore that was killed; no host starts in between", slow, async () => {
    const pipe = join(dir, "pipe");
    execFileSync("mkfifo", [pipe]);
    const running = spawnLever(["restore", pipe, "--data", join(dir, "killed")]);
    const target = createWriteStream(pipe).on("error", () => {});
    // Without its end the command goes on reading, and has moved nothing to its place.
    await pipeline(createReadStream(file), target, { end: false });
    await eventually(() => existsSync(join(dir, "killed/restoring/services")));
    running.kill("SIGKILL");
    await once(running, "close");
    target.destroy();
    const refused = await up("killed");
    expect(refused).toMatchObject({ status: 3, stdout: "" });
    expect(refused.stderr).toContain("a restore into it has not been completed");
    const again = await restore(file, "killed");
    expect(JSON.parse(again.stdout)).toMatchObject({ services: 1, hasServiceData: true });
    expect(readdirSync(join(dir, "killed"))).not.toContain("restoring");
  });

  it("is not written over a file, and not restored into a folder with files", async () => {
    const again = await lever.lever(["backup", file]);
    expect(again).toMatchObject({ status: 2 });
    expect(again.stderr).toContain("exists already");
    const into = await runLever(["restore", file, "--data", dir]);
    expect(into).toMatchObject({ status: 3, stdout: "" });
    expect(into.stderr).toContain("the folder is not empty");
  });

  it("that is torn is refused, and the folder stays empty", async () => {
    const torn = join(dir, "torn.backup");
    writeFileSync(torn, readFileSync(file).subarray(0, -100));
    const refused = await restore(torn, "torn");
    expect(refused).toMatchObject({ status: 3, stdout: "" });
    expect(refused.stderr).toMatch(/^lever: Cannot restore .*: its end is missing, .*\.\n$/);
    expect(readdirSync(join(dir, "torn"))).toEqual([]);
  });

  it(
    "cut off by the end of its host fails, and leaves nothing in the data folder",
    slow,
    async () => {
      const dataDir = join(dir, "killed");
      // More than what is on the way to a client that does not read.
      writeFileSync(join(dataDir, "services/dev.lever/keeper/large"), randomBytes(32_000_000));
      const host = await startLever({ dataDir });
      const client = new Client({ forceHost: host.address });
      const stream = await client
        .service("admin.lever", "admin")
        .invokeChan("backUpChan", { data: true });
      const messages = stream[Symbol.asyncIterator]();
      await messages.next();
      expect(existsSync(join(dataDir, "staging/backup"))).toBe(true);
      await host.kill();
      const rest = async (): Promise<void> => {
        while ((await messages.next()).done !== true);
      };
      await expect(rest()).rejects.toMatchObject({ code: "unreachable" });
      await using next = await startLever({ dataDir });
      expect(readdirSync(join(dataDir, "staging"))).toEqual([]);
      expect((await callMethod(next.address, "/keeper/kept", [])).status).toBe(200);
    },
  );

  it("needs the right admin", async () => {
    const admin = new Client({ forceHost: lever.address }).service("admin.lever", "admin");
    const grant = { environments: ["*"], rights: ["admin"] };
    const { token } = (await admin.invoke("createToken", grant)) as CreatedToken;
    const withToken = new Client({ forceHost: lever.address, token });
    const deployer = (await withToken
      .service("admin.lever", "admin")
      .invoke("createToken", { environments: ["*"], rights: ["deploy"] })) as CreatedToken;
    const refused = await lever.lever(["backup", join(dir, "refused")], {
      env: { LEVEROS_TOKEN: deployer.token },
    });
    expect(refused).toMatchObject({ status: 3, stdout: "" });
    expect(refused.stderr).toContain("(forbidden)");
    expect(readdirSync(dir)).not.toContain("refused.partial");
  });
});

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rm, watch, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { DeployReport, ServiceListing } from "@leveros/protocol";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { httpCall } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { type LeverRun, runLever, spawnLever } from "../harness/run-lever.ts";

const server = `
exports.greet = async (name) => "Hello, " + name + "!";
exports.size = async (bytes) => bytes.length;
exports.reverse = async (bytes) => Buffer.from(bytes).reverse();
exports.fail = async () => { throw { code: 7 }; };
exports.room = async (resource) => resource;
exports.slow = async () => { console.log("slow began"); await new Promise((done) => setTimeout(done, 300)); return "done"; };
exports.stuck = () => { console.log("stuck began"); return new Promise(() => {}); };
`;
const leverJson = '{"name": "greeter", "description": "Greets.", "jsEntry": "server.js"}';

let temporary: string;
let folder: string;

beforeAll(async () => {
  temporary = await mkdtemp(join(tmpdir(), "lever-command-line-"));
});

afterAll(() => rm(temporary, { recursive: true }));

beforeEach(async () => {
  folder = await makeFolder({ "server.js": server, "lever.json": leverJson });
});

async function makeFolder(files: Readonly<Record<string, string | Buffer>>): Promise<string> {
  const made = await mkdtemp(join(temporary, "folder-"));
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(made, path)), { recursive: true });
    await writeFile(join(made, path), content);
  }
  return made;
}

describe("a folder with a service", () => {
  let lever: RunningLever;
  let deployed: LeverRun;

  beforeAll(async () => {
    lever = await startLever({ args: ["--limit", "archiveBytesMax=100000"] });
    const first = await makeFolder({ "server.js": server, "lever.json": leverJson });
    deployed = await lever.lever(["deploy"], { cwd: first });
  });

  afterAll(() => lever.stop());

  it("lever deploy prints the version and the URLs of the methods", () => {
    expect(deployed).toMatchObject({ status: 0, stderr: "" });
    expect(deployed.stdout).toContain("Deployed greeter version 1 to dev.lever in ");
    expect(deployed.stdout).toContain("lever://dev.lever/greeter/greet");
  });

  it("lever ls prints services with their methods", async () => {
    const listed = await lever.lever(["ls"]);
    expect(listed.stdout).toMatch(/^greeter +1 .* fail, greet, /m);
  });

  it("lever invoke prints the result", async () => {
    expect(await lever.lever(["invoke", "/greeter/greet", '"world"'])).toMatchObject({
      status: 0,
      stdout: '"Hello, world!"\n',
      stderr: "",
    });
  });

  it("lever invoke -- sends standard input as bytes and prints bytes", async () => {
    const input = Buffer.from([0, 1, 254, 255]);
    const run = await lever.lever(["invoke", "/greeter/reverse", "--"], { input });
    expect([...run.stdoutBytes]).toEqual([255, 254, 1, 0]);
  });

  it("lever invoke -- sends an empty standard input as no bytes", async () => {
    expect((await lever.lever(["invoke", "/greeter/size", "--"])).stdout).toBe("0\n");
  });

  it("lever invoke names resources as the URL does", async () => {
    const run = await lever.lever(["invoke", "/greeter/a%20room/1/room"]);
    expect(run.stdout).toBe('"a room/1"\n');
  });

  it("a method's error is printed with status 1", async () => {
    expect(await lever.lever(["invoke", "/greeter/fail"])).toMatchObject({
      status: 1,
      stdout: "",
      stderr: 'lever: the method failed: {"code":7}\n',
    });
  });

  it("a call past its --timeout exits with status 3", async () => {
    const late = await lever.lever(["invoke", "/greeter/stuck", "--timeout", "50ms"]);
    expect(late).toMatchObject({ status: 3, stdout: "" });
    expect(late.stderr).toContain("(deadline_exceeded)");
  });

  it("a call of an unknown method exits with status 3", async () => {
    const unknown = await lever.lever(["invoke", "/greeter/wave"]);
    expect(unknown).toMatchObject({ status: 3 });
    expect(unknown.stderr).toContain("(unknown_method)");
  });

  describe("deployed again", () => {
    let report: DeployReport;

    beforeAll(async () => {
      const again = await makeFolder({ "server.js": server, "lever.json": leverJson });
      const { stdout } = await lever.lever(["deploy", again, "--json"]);
      report = JSON.parse(stdout) as DeployReport;
    });

    it("a second deploy makes a second version", () => {
      expect(report).toMatchObject({ service: "greeter", version: 2, entries: 2, warnings: [] });
    });

    it("lever ls with a service lists its versions and names the live one", async () => {
      const listed = await lever.lever(["ls", "greeter", "--json"]);
      const [listing] = JSON.parse(listed.stdout) as ServiceListing[];
      expect(listing).toMatchObject({ liveVersion: 2, description: "Greets.", private: false });
      expect(listing?.versions.map(({ version }) => version).toSorted()).toEqual([1, 2]);
      expect((await lever.lever(["ls", "greeter"])).stdout).toMatch(/^2 +live /m);
    });
  });

  describe("whose new version does not start", () => {
    let run: LeverRun;

    beforeAll(async () => {
      const broken = await makeFolder({
        "server.js": 'console.log("about to break"); throw new Error("broken");',
        "lever.json": leverJson,
      });
      run = await lever.lever(["deploy", broken]);
    });

    it("a deploy that does not start fails with the output of the service", () => {
      expect(run).toMatchObject({ status: 1, stdout: "" });
      expect(run.stderr).toContain("Cannot deploy greeter to dev.lever: ");
      expect(run.stderr).toContain("broken");
    });

    it("the old version serves on after a deploy that does not start", async () => {
      expect((await lever.lever(["invoke", "/greeter/greet", "1"])).stdout).toBe('"Hello, 1!"\n');
    });
  });

  describe("with node_modules and a .gitignore", () => {
    beforeAll(async () => {
      const withModules = await makeFolder({
        "lever.json": '{"name": "modules", "jsEntry": "server.js"}',
        "server.js": `
          const fs = require("node:fs");
          exports.answer = () => require("dep");
          exports.files = () => fs.readdirSync(__dirname).sort();`,
        "node_modules/dep/index.js": "module.exports = 42;",
        "secret.env": "KEY=1",
        ".gitignore": "node_modules\n*.env\n",
        ".git/HEAD": "ref: refs/heads/main",
      });
      expect((await lever.lever(["deploy", withModules])).status).toBe(0);
    });

    it("lever deploy sends node_modules although git ignores it", async () => {
      expect((await lever.lever(["invoke", "/modules/answer"])).stdout).toBe("42\n");
    });

    it("lever deploy leaves out .git and what git ignores besides node_modules", async () => {
      expect((await lever.lever(["invoke", "/modules/files"])).stdout).toBe(
        '[".gitignore","lever.json","node_modules","server.js"]\n',
      );
    });
  });

  it("a deploy is not sent when its archive is too large", async () => {
    const large = await makeFolder({
      "lever.json": leverJson,
      "server.js": server,
      large: randomBytes(5_000_000),
    });
    const run = await lever.lever(["deploy", large]);
    expect(run).toMatchObject({ status: 1, stdout: "" });
    expect(run.stderr).toContain("the host's limit archiveBytesMax is 100 kB");
  });

  it("lever deploy refuses an unknown environment by name", async () => {
    const run = await lever.lever(["-E", "nowhere.lever", "deploy", folder]);
    expect(run.status).not.toBe(0);
    expect(run.stderr).toContain("nowhere.lever");
  });

  it("lever ls in an unknown environment exits with status 3", async () => {
    expect((await lever.lever(["-E", "nowhere.lever", "ls"])).status).toBe(3);
  });

  it("lever invoke in an unknown environment exits with status 3", async () => {
    const call = await lever.lever(["invoke", "lever://nowhere.lever/greeter/greet"]);
    expect(call).toMatchObject({ status: 3 });
    expect(call.stderr).toContain("(unknown_environment)");
  });
});

it("a deploy that is interrupted leaves nothing behind", async () => {
  await using lever = await startLever();
  const staging = join(lever.dataDir, "staging");
  const large = await makeFolder({
    "lever.json": leverJson,
    "server.js": server,
    large: randomBytes(25_000_000),
  });
  const watching = new AbortController();
  const changes = watch(staging, { signal: watching.signal })[Symbol.asyncIterator]();
  const arriving = changes.next();
  const deploy = spawnLever(["-H", lever.address, "deploy", large]);
  await arriving;
  deploy.kill("SIGINT");
  const [, signal] = await once(deploy, "exit");
  expect(signal).toBe("SIGINT");
  while ((await readdir(staging)).length > 0) await changes.next();
  watching.abort();
  expect(await readdir(join(lever.dataDir, "archives"))).toEqual([]);
  expect((await lever.lever(["ls", "--json"])).stdout).toBe("[]\n");
});

describe("lever up", () => {
  it("lever up prints its address on standard output, and nothing else", async () => {
    const dataDir = await mkdtemp(join(temporary, "data-"));
    const up = spawnLever(["up", "--port", "0", "--data", dataDir]);
    let stdout = "";
    let stderr = "";
    up.stderr.on("data", (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    up.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk.toString();
      up.kill("SIGINT");
    });
    const [status] = await once(up, "close");
    expect(status).toBe(0);
    expect(stdout).toMatch(/^Lever is up at http:\/\/127\.0\.0\.1:\d+\n$/);
    const events = stderr.trimEnd().split("\n");
    expect(events.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual([
      "host started",
      "host stopped",
    ]);
  });

  it("lever up finishes the calls under way before it stops", async () => {
    await using lever = await startLever();
    expect((await lever.lever(["deploy", folder])).status).toBe(0);
    const call = httpCall(lever.address, "/greeter/slow?forceenv=dev.lever", {
      headers: { "content-type": "application/json" },
      body: "[]",
    });
    await lever.event("output", { line: "slow began" });
    // A terminal and a supervisor may both send a signal. Both at once count as one.
    process.kill(lever.pid, "SIGINT");
    expect(await lever.stop()).toBe(0);
    expect((await call).text).toBe('"done"');
  });

  it("lever up stops at once at a second signal later", async () => {
    await using lever = await startLever({ args: ["--verbose"] });
    expect((await lever.lever(["deploy", folder])).status).toBe(0);
    const call = httpCall(lever.address, "/greeter/stuck?forceenv=dev.lever", {
      headers: { "content-type": "application/json" },
      body: "[]",
    });
    const broken = expect(call).rejects.toThrow();
    await lever.event("output", { line: "stuck began" });
    const stopped = lever.stop();
    const again = setInterval(() => void lever.stop(), 50);
    expect(await stopped.finally(() => clearInterval(again))).toBe(130);
    await broken;
  });

  it("a service is there again after a restart of the host", async () => {
    const dataDir = await mkdtemp(join(temporary, "data-"));
    const first = await startLever({ dataDir });
    expect((await first.lever(["deploy", folder])).status).toBe(0);
    expect(await first.stop()).toBe(0);
    await using second = await startLever({ dataDir });
    expect((await second.lever(["invoke", "/greeter/greet", "2"])).stdout).toBe('"Hello, 2!"\n');
  });

  it("lever up refuses a port in use and names --port", async () => {
    await using lever = await startLever();
    const [, port = ""] = lever.address.split(":");
    const dataDir = await mkdtemp(join(temporary, "data-"));
    const samePort = await runLever(["up", "--port", port, "--data", dataDir]);
    expect(samePort).toMatchObject({ status: 3, stdout: "" });
    expect(samePort.stderr).toContain(`Cannot listen on ${lever.address}: the port is in use.`);
    expect(samePort.stderr).toContain("--port");
  });

  it("lever up refuses a data folder in use and names --data", async () => {
    await using lever = await startLever();
    const sameData = await runLever(["up", "--port", "0", "--data", lever.dataDir]);
    expect(sameData).toMatchObject({ status: 3, stdout: "" });
    expect(sameData.stderr).toContain(lever.dataDir);
    expect(sameData.stderr).toContain("--data");
  });

  it("lever up refuses a public address without --allow-insecure-bind", async () => {
    const refused = await runLever(["up", "--bind", "0.0.0.0", "--port", "0"]);
    expect(refused).toMatchObject({ status: 2, stdout: "" });
    expect(refused.stderr).toContain("--allow-insecure-bind");
  });
});

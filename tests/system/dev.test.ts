/** `lever dev` over a workspace: services in JavaScript and TypeScript, a package that both share, and one that is installed. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningDev, startDev } from "../harness/dev.ts";
import { eventually } from "../harness/eventually.ts";
import { Caller, keepCalling } from "../harness/load.ts";
import { cleanEnvironment, leverBin, runLever } from "../harness/run-lever.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../harness/temporary-folder.ts";

const shop = (version: number): string => `
import { rate } from "rates";
import { unit } from "units";
interface Price { amount: number }
export const price = (of: Price): string => of.amount * rate + unit + " ${version} " + process.env.CURRENCY;
export const fail = (): never => {
  throw new Error("no stock");
};
`;

const files = {
  ".gitignore": "node_modules\nbuilt\n",
  ".env": "CURRENCY=all\n",
  "package.json": { workspaces: ["services/*", "packages/*"] },
  "packages/rates/package.json": { name: "rates", type: "module", exports: "./index.ts" },
  "packages/rates/index.ts": "export const rate: number = 2;\n",
  "node_modules/units/package.json": { name: "units", version: "1.0.0", main: "index.js" },
  "node_modules/units/index.js": 'exports.unit = "kg";\n',
  "services/shop/lever.json": { name: "shop", jsEntry: "server.ts" },
  "services/shop/package.json": { type: "module", dependencies: { rates: "*", units: "*" } },
  "services/shop/server.ts": shop(1),
  "services/pay/lever.json": { name: "pay", jsEntry: "server.js" },
  "services/pay/server.js": "exports.pay = (n) => [n, process.env.CURRENCY];\n",
  "built/pay/lever.json": { name: "pay", jsEntry: "server.js" },
};

async function makeWorkspace(): Promise<TemporaryFolder> {
  const folder = await makeTemporaryFolder();
  await folder.put(files);
  await folder.link("node_modules/rates", "../packages/rates");
  return folder;
}

describe("lever dev over a workspace", () => {
  let folder: TemporaryFolder;
  let dev: RunningDev;
  let caller: Caller;

  beforeAll(async () => {
    folder = await makeWorkspace();
    dev = await startDev(folder.path);
    caller = new Caller(dev.address);
    for (const name of ["shop", "pay"]) await dev.prints(new RegExp(`^${name} +v1 in `, "m"));
  }, 60_000);

  afterAll(async () => {
    caller?.[Symbol.dispose]();
    await dev?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  });

  const answer = async (path: string, args: readonly unknown[]): Promise<unknown> =>
    JSON.parse((await caller.call(path, args)).text) as unknown;
  const price = (): Promise<unknown> => answer("/shop/price", [{ amount: 3 }]);

  it("services use packages of the workspace, installed ones and variables of .env", async () => {
    expect(await price()).toBe("6kg 1 all");
    expect(await answer("/pay/pay", [1])).toEqual([1, "all"]);
    const listed = await dev.lever(["ls"]);
    expect(listed.stdout).toMatch(/^shop +1 .*price/m);
  });

  it("each save becomes live, and no call of a caller meanwhile fails", async () => {
    const failed: string[] = [];
    const load = keepCalling(
      2,
      () => caller.call("/shop/price", [{ amount: 3 }]),
      ({ status, text }) => {
        if (status !== 200) failed.push(text);
      },
    );
    for (const version of [2, 3, 4, 5]) {
      await folder.put({ "services/shop/server.ts": shop(version) });
      await eventually(async () => (await price()) === `6kg ${version} all`);
    }
    await load.stop();
    expect(failed).toEqual([]);
  });

  it("a save of a package of the workspace deploys the services that use it", async () => {
    await folder.put({ "packages/rates/index.ts": "export const rate: number = 3;\n" });
    await eventually(async () => (await price()) === "9kg 5 all");
  });

  it("a changed .env file gives services its variables", async () => {
    await folder.put({ ".env.pay": "CURRENCY=own\n" });
    await eventually(async () => String(await answer("/pay/pay", [1])) === "1,own");
    expect(await price()).toBe("9kg 5 all");
  });

  it("a save with an error is shown at its line, and the version before goes on", async () => {
    const from = dev.output().length;
    await folder.put({ "services/shop/server.ts": `${shop(6)}export const broken = ;\n` });
    await dev.prints("server.ts:9:23: Expression expected.", from);
    const frame = "  › 9 │ export const broken = ;\n      │                       ^\n";
    await dev.prints(new RegExp(`${frame}  Version \\d+ goes on\\.`.replace("^", "\\^")), from);
    expect(await price()).toBe("9kg 5 all");
    await folder.put({ "services/shop/server.ts": shop(7) });
    await eventually(async () => (await price()) === "9kg 7 all");
  });

  it("an error of a method is shown at the line of its source", async () => {
    const from = dev.output().length;
    await caller.call("/shop/fail");
    await dev.prints('  › 7 │   throw new Error("no stock");', from);
    expect(dev.output().slice(from)).toMatch(/shop +error .*no stock/);
  });

  it("a new service is deployed, and one that is gone is removed", async () => {
    await folder.put({
      "services/new/server.js": "exports.hello = () => 1;\n",
      "services/new/lever.json": { name: "new", jsEntry: "server.js" },
    });
    await eventually(async () => (await caller.call("/new/hello")).text.trim() === "1");
    await rm(join(folder.path, "services/new"), { recursive: true });
    await eventually(async () => (await caller.call("/new/hello")).status === 404);
  });

  it("a second service of the same name is refused with both folders", async () => {
    const from = dev.output().length;
    await folder.put({ "copy/server.js": "exports.a = 1;\n", "copy/lever.json": { name: "pay" } });
    await dev.prints("its name, pay, is that of the service in services/pay", from);
    expect(await answer("/pay/pay", [2])).toEqual([2, "own"]);
    await rename(join(folder.path, "copy"), join(folder.path, "built/copy"));
  });
});

it("lever dev --once says which services do not start, with status 1", async () => {
  await using folder = await makeWorkspace();
  await folder.put({ "services/pay/server.js": "exports.pay = missing;\n" });
  const run = await runLever(["dev", "--once"], { cwd: folder.path });
  expect(run.stdout).toContain("  › 1 │ exports.pay = missing;");
  expect(run).toMatchObject({ status: 1, stderr: "lever: Cannot start 1 of 2 services: pay.\n" });
}, 60_000);

it("a folder without a service is refused", async () => {
  await using folder = await makeTemporaryFolder();
  expect(await runLever(["dev", folder.path])).toMatchObject({ status: 2, stdout: "" });
});

it("the debugger of a service keeps its port when it is deployed again", async () => {
  await using folder = await makeTemporaryFolder();
  const source = (version: number): string => `exports.which = () => ${version};\n`;
  await folder.put({ "lever.json": { name: "svc", jsEntry: "s.js" }, "s.js": source(1) });
  await using dev = await startDev(folder.path, ["--inspect", "svc"]);
  await dev.prints(/^svc +v1 in /m);
  const [, port = ""] = /The debugger of svc is at 127\.0\.0\.1:(\d+)/.exec(dev.output()) ?? [];
  const target = async (): Promise<string> => {
    const response = await fetch(`http://127.0.0.1:${port}/json/list`);
    const [found] = (await response.json()) as { webSocketDebuggerUrl: string }[];
    return found?.webSocketDebuggerUrl ?? "";
  };
  const first = await target();
  expect(first).toContain(`ws://127.0.0.1:${port}/`);
  await folder.put({ "s.js": source(2) });
  await dev.prints(/^svc +v2 in /m);
  expect(await target()).toContain(`ws://127.0.0.1:${port}/`);
  expect(await target()).not.toBe(first);
}, 60_000);

it.runIf(process.platform === "linux")(
  "keys on a terminal show a trace and one service only, deploy all again, and quit",
  async () => {
    await using folder = await makeTemporaryFolder();
    await folder.put({
      "lever.json": { name: "svc", jsEntry: "s.js" },
      "s.js": "exports.a = () => 1;\n",
    });
    const command = `exec ${process.execPath} ${leverBin} dev ${folder.path} --port 0`;
    const script = spawn("script", ["--quiet", "--return", "--command", command, "/dev/null"], {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...cleanEnvironment(), TERM: "xterm-256color" },
    });
    const ended = once(script, "close") as Promise<[number]>;
    let output = "";
    script.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
    const shows = (wanted: string): Promise<unknown> => eventually(() => output.includes(wanted));
    await shows("Keys: ");
    const [, address = ""] = /http:\/\/(127\.0\.0\.1:\d+)/.exec(output) ?? [];
    using caller = new Caller(address);
    expect((await caller.call("/svc/a")).text.trim()).toBe("1");
    script.stdin.write("t");
    await shows("svc/a");
    script.stdin.write("f");
    await shows("Showing svc only.");
    script.stdin.write("r");
    await shows("v2 in ");
    script.stdin.write("q");
    expect(await ended).toEqual([0, null]);
  },
  60_000,
);

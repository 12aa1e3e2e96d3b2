import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { serviceArchive } from "../harness/archive.ts";
import { callMethod } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../harness/temporary-folder.ts";

/** The program of a package manager that the repository pins. */
const pinned = (path: string): readonly string[] => [
  process.execPath,
  join(import.meta.dirname, "../../node_modules", path),
];
const pnpm = pinned("pnpm/bin/pnpm.cjs");
const yarnClassic = pinned("yarn/bin/yarn.js");
const yarn = pinned("@yarnpkg/cli-dist/bin/yarn.js");

let lever: RunningLever;

// A package manager alone takes seconds, and more while other tests run.
vi.setConfig({ testTimeout: 120_000 });

beforeAll(async () => {
  lever = await startLever();
});

afterAll(() => lever.stop());

/** A package as registries serve it. Package managers need no network for it. */
function packageArchive(name: string, index: string): Buffer {
  return serviceArchive({
    "package/package.json": JSON.stringify({ name, version: "1.0.0", main: "index.js" }),
    "package/index.js": index,
  });
}

/**
 * A workspace whose service needs a package of the workspace, which is built into a folder that git ignores, and one that
 * both need. A third package is needed only in development.
 * @param version how the service names the version of the package of the workspace.
 */
async function makeWorkspace(service: string, version: string): Promise<TemporaryFolder> {
  const workspace = await makeTemporaryFolder();
  await workspace.put({
    "package.json": { private: true, workspaces: ["packages/*", "services/*"] },
    "pnpm-workspace.yaml": "packages: ['packages/*', 'services/*']\n",
    ".yarnrc.yml": "nodeLinker: node-modules\nenableTelemetry: false\n",
    ".gitignore": "node_modules\ndist\n.env\n",
    ".git/HEAD": "",
    "packages/lib/package.json": {
      name: "@shop/lib",
      version: "1.0.0",
      main: "dist/index.js",
      files: ["dist"],
      dependencies: { shared: "file:../../vendor/shared.tgz" },
    },
    "packages/lib/dist/index.js": "exports.shout = (name) => require('shared')(name) + '!';",
    "packages/lib/.env": "SECRET=1",
    "services/api/package.json": {
      name: "api",
      version: "1.0.0",
      dependencies: { "@shop/lib": version, shared: "file:../../vendor/shared.tgz" },
      devDependencies: { tool: "file:../../vendor/tool.tgz" },
    },
    "services/api/lever.json": { name: service, jsEntry: "server.js" },
    "services/api/server.js": `
      const { shout } = require("@shop/lib");
      exports.greet = (name) => [shout(name), require("shared")(name)];
      exports.leftovers = () => require("node:fs")
        .readdirSync(".", { recursive: true })
        .filter((path) => /(^|\\/)(\\.env|\\.bin|tool)$/.test(path));
    `,
    "services/api/.env": "SECRET=1",
  });
  await mkdir(join(workspace.path, "vendor"));
  const files = {
    "shared.tgz": packageArchive("shared", "module.exports = (name) => 'Hello, ' + name;"),
    "tool.tgz": packageArchive("tool", "module.exports = 'tool';"),
  };
  for (const [name, bytes] of Object.entries(files)) {
    await writeFile(join(workspace.path, "vendor", name), bytes);
  }
  return workspace;
}

/** Runs a package manager without network and without the user's own settings and caches. */
async function run(cwd: string, command: readonly string[]): Promise<void> {
  const [program = "", ...args] = command;
  const home = join(cwd, "vendor/home");
  const child = spawn(program, args, {
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: process.env["PATH"],
      HOME: home,
      CI: "1",
      npm_config_cache: join(home, "cache"),
      npm_config_offline: "true",
      npm_config_audit: "false",
      npm_config_fund: "false",
      npm_config_update_notifier: "false",
      YARN_ENABLE_NETWORK: "0",
      YARN_ENABLE_GLOBAL_CACHE: "0",
      YARN_ENABLE_IMMUTABLE_INSTALLS: "0",
    },
  });
  const output = Promise.all([text(child.stdout), text(child.stderr)]);
  const [status] = (await once(child, "close")) as [number | null];
  expect([status, ...(status === 0 ? [] : await output)]).toEqual([0]);
}

it.each([
  ["npm", "1.0.0", [["npm", "install"]], "services/api"],
  ["pnpm", "workspace:*", [[...pnpm, "install"]], "services/api"],
  [
    "pnpm-deploy",
    "workspace:^",
    [
      [...pnpm, "install"],
      [...pnpm, "--filter", "api", "deploy", "--legacy", "--prod", "out"],
    ],
    "out",
  ],
  ["yarn-1", "1.0.0", [[...yarnClassic, "install", "--offline"]], "services/api"],
  ["yarn-4", "workspace:*", [[...yarn, "install"]], "services/api"],
])("a service of a workspace made by %s answers", async (service, version, commands, folder) => {
  await using workspace = await makeWorkspace(service, version);
  for (const command of commands) await run(workspace.path, command);

  const deploy = await lever.lever(["deploy", join(workspace.path, folder)]);
  expect(deploy).toMatchObject({ status: 0, stderr: "" });
  const call = async (method: string, ...args: unknown[]): Promise<unknown> =>
    (await callMethod(lever.address, `/${service}/${method}`, args)).json();
  expect(await call("greet", "Ann")).toEqual(["Hello, Ann!", "Hello, Ann"]);
  expect(await call("leftovers")).toEqual([]);
});

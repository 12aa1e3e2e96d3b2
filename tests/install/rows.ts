import assert from "node:assert/strict";
import { access, mkdir, symlink, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { makeArchive } from "../../scripts/release/make-archive.ts";
import type { Engine } from "./engines.ts";
import {
  type InstalledLever,
  type InstallOptions,
  installGlobally,
  leverOf,
  npxLever,
} from "./installed-lever.ts";
import { leftoversOf } from "./packed-packages.ts";
import { runClient, talkService } from "./run-client.ts";
import { mustRun } from "./run-program.ts";

const repository = join(import.meta.dirname, "../..");

/** A way to install Lever, and what must work then. */
export interface Row {
  readonly name: string;
  /** Part of the tests of every change. The others fetch more programs. */
  readonly isShort: boolean;
  readonly run: (options: InstallOptions) => Promise<void>;
}

export const rows: readonly Row[] = [
  {
    name: "each package has a README, the licence, types, and no leftovers",
    isShort: true,
    run: checkFiles,
  },
  { name: "npm install --global, on Node 24", isShort: true, run: global24 },
  { name: "npx in an empty folder, on Node 24", isShort: true, run: npx24 },
  { name: "the archive with Node inside", isShort: true, run: archive },
  {
    name: "the command names the remedy on Node 20, and it works",
    isShort: false,
    run: tooOld("Node 20"),
  },
  {
    name: "the command names the remedy on Node 22, and it works",
    isShort: false,
    run: tooOld("Node 22"),
  },
  ...(["Node 20", "Node 22", "Node 24", "Bun", "Deno"] as const).map((engine) => ({
    name: `the client calls and streams, on ${engine}`,
    isShort: engine === "Node 24",
    run: (options: InstallOptions) => runClient(engine, options),
  })),
];

async function checkFiles({ packages }: InstallOptions): Promise<void> {
  assert.equal(packages.length, 5);
  for (const one of packages) {
    assert.deepEqual(leftoversOf(one), [], one.name);
    for (const file of ["README.md", "LICENSE", "package.json"]) {
      assert.ok(one.files.includes(file), `${one.name} has no ${file}`);
    }
    const { manifest } = one;
    assert.ok(manifest.description && manifest.license && manifest.keywords?.length, one.name);
    for (const types of Object.values(manifest.exports ?? {}).flatMap(typesOf)) {
      assert.ok(one.files.includes(types.replace("./", "")), `${one.name} has no ${types}`);
    }
  }
}

function typesOf(exported: unknown): readonly string[] {
  const isObject = typeof exported === "object" && exported !== null;
  return isObject && "types" in exported ? [String(exported.types)] : [];
}

async function global24(options: InstallOptions): Promise<void> {
  await servesOnce(await installGlobally("Node 24", options), options.dir);
}

/** TERM of npx, which is what a supervisor sends, must end the host. */
async function npx24(options: InstallOptions): Promise<void> {
  const cwd = join(options.dir, "empty");
  await mkdir(cwd);
  const lever = await npxLever("Node 24", { ...options, dir: cwd });
  await using host = await lever.up();
  assert.equal(await host.stop(), true, "the host goes on after TERM of npx");
}

async function archive({ packages, programs, dir }: InstallOptions): Promise<void> {
  const [first] = packages;
  assert.ok(first);
  const folder = await makeArchive({
    version: first.manifest.version,
    tarballs: packages.map(({ tarball }) => tarball),
    node: await programs.engine("Node 24"),
    dir,
    repository,
    gzipLevel: 1,
    run: (words, cwd) => mustRun(words, { cwd }),
  });
  await access(`${folder}.tar.gz`);
  const unpacked = join(dir, "unpacked");
  await mkdir(unpacked);
  await mustRun(["tar", "-xzf", `${folder}.tar.gz`, "-C", unpacked], { cwd: dir });
  const program = join(unpacked, basename(folder), "bin/lever");
  await symlink(program, join(dir, "lever"));
  // No other Node is found.
  const lever = leverOf([join(dir, "lever")], { dir, env: { PATH: "/usr/bin:/bin" } });
  await servesOnce(lever, dir);
  assert.match((await lever.run(["upgrade"])).output, /unpack the archive of a newer version/);
}

/** A host runs, a service is deployed and called, and the host ends in order. */
async function servesOnce(lever: InstalledLever, dir: string): Promise<void> {
  const service = join(dir, "talk");
  await mkdir(service);
  for (const [file, text] of Object.entries(talkService)) {
    await writeFile(join(service, file), text);
  }
  await using host = await lever.up();
  const at = ["-H", host.address] as const;
  const deployed = await lever.run([...at, "deploy", service]);
  assert.equal(deployed.status, 0, deployed.output);
  const called = await lever.run([...at, "invoke", "/talk/greet", '"world"']);
  assert.deepEqual(called, { status: 0, output: '"Hello, world!"\n' });
  assert.equal(await host.stop(), true);
}

function tooOld(engine: Engine): Row["run"] {
  return async (options) => {
    const lever = await installGlobally(engine, options);
    const { status, output } = await lever.run(["ls", "--all"]);
    assert.equal(status, 3, output);
    const [, remedy = ""] = /^ {2}(npx .+)$/m.exec(output) ?? [];
    assert.equal(remedy, "npx --yes --package=node@24 --package=@leveros/cli lever ls --all");
    // The same, with the packages that are not published yet.
    const newer = await npxLever(engine, options, ["--package=node@24"]);
    const printed = await newer.run(["--version"]);
    assert.deepEqual(printed.status, 0, printed.output);
  };
}

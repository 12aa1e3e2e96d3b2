import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startLever } from "../harness/lever.ts";
import { deployService, testService } from "../harness/test-service.ts";
import type { Engine } from "./engines.ts";
import { type InstallOptions, QUIET } from "./installed-lever.ts";
import { mustRun } from "./run-program.ts";

/** A program with the client: a call and a stream. It prints what it has received. */
const PROGRAM = `
import { Client } from "leveros";
const [address] = globalThis.Deno?.args ?? process.argv.slice(2);
const talk = new Client({ forceHost: address }).service("dev.lever", "talk");
const reply = await talk.invoke("greet", "world");
const stream = await talk.invokeChan("echoChan");
stream.write("one");
stream.write("two");
stream.end();
const echoed = [];
for await (const message of stream) echoed.push(message);
console.log(JSON.stringify([reply, echoed]));
`;
const PRINTS = JSON.stringify(["Hello, world!", ["one", "two"]]);

const SERVER = `export const greet = (name) => "Hello, " + name + "!";
export async function echoChan(stream) {
  for await (const message of stream) stream.write(message);
}
`;
/** The files of the service that the program calls. */
export const talkService: Readonly<Record<string, string>> = {
  "lever.json": JSON.stringify({ name: "talk", jsEntry: "server.mjs" }),
  "server.mjs": SERVER,
};

/** Installs the client in a folder, and runs a program with it. */
export async function runClient(
  engine: Engine,
  { programs, packages, dir }: InstallOptions,
): Promise<void> {
  await writeFile(join(dir, "package.json"), '{ "type": "module" }');
  await writeFile(join(dir, "program.js"), PROGRAM);
  const { words, path } = await programs.npm(engine.startsWith("Node") ? engine : "Node 24");
  const tarballs = packages
    .filter(({ name }) => name === "leveros" || name === "@leveros/protocol")
    .map(({ tarball }) => tarball);
  const options = { cwd: dir, env: { PATH: path } };
  await mustRun([...words, "install", ...QUIET, ...tarballs], options);
  const program = await programs.engine(engine);
  const deno = ["run", "--allow-all", "--node-modules-dir=manual", "--no-lock", "--no-prompt"];
  const args = engine === "Deno" ? deno : [];
  await using lever = await startLever();
  await deployService(
    lever,
    testService({ "server.mjs": SERVER }, { name: "talk", jsEntry: "server.mjs" }),
  );
  const printed = await mustRun([program, ...args, "program.js", lever.address], { cwd: dir });
  assert.equal(printed.trim(), PRINTS);
}

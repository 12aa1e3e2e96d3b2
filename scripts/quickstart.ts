/**
 * Shows Lever in a minute: starts a host, deploys the example and calls it, with the commands that a user types. In a terminal,
 * the host then runs until Ctrl-C. Its data is in a temporary folder, which is removed at the end.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const PORT = 8080;
const SERVICE_DIR = "examples/hello";
const METHOD = "/helloService/sayHello";

/** Without a terminal, nothing would stop the host. */
const staysUp = process.stdout.isTTY === true;
const leverBin = fileURLToPath(new URL("../packages/cli/bin/lever.js", import.meta.url));
const repository = fileURLToPath(new URL("..", import.meta.url));

const dataDir = await mkdtemp(join(tmpdir(), "lever-quickstart-"));
let host: ChildProcess | undefined;
// Ctrl-C also reaches the host, which stops in order. This process waits for it, and then removes the folder.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => host?.kill("SIGTERM"));
try {
  process.exitCode = await quickstart();
} catch (error) {
  console.error(
    `\nThe quickstart failed: ${error instanceof Error ? error.message : String(error)}`,
  );
  process.exitCode = 1;
} finally {
  if (host !== undefined && host.exitCode === null && host.signalCode === null) {
    host.kill("SIGTERM");
    await once(host, "exit");
  }
  await rm(dataDir, { recursive: true, force: true });
}

async function quickstart(): Promise<number> {
  const port = (await isFree(PORT)) ? PORT : 0;
  step(1, "Start Lever", ["up", "--port", String(port), "--data", dataDir]);
  const address = await startHost(port);
  step(2, "Deploy the service in a folder", ["deploy", SERVICE_DIR]);
  await lever(address, ["deploy", SERVICE_DIR]);
  step(3, "Call one of its methods", ["invoke", METHOD, `'"world"'`]);
  await lever(address, ["invoke", METHOD, '"world"']);
  console.log(nextSteps(address));
  if (!staysUp || host === undefined) return 0;
  console.log(
    "Lever runs until Ctrl-C, and then removes its data. To keep the data, use: npx lever up",
  );
  const [status] = await once(host, "exit");
  return status ?? 1;
}

/** Resolves with the host's address once it is ready. */
async function startHost(port: number): Promise<string> {
  const args = [leverBin, "up", "--port", String(port), "--data", dataDir];
  const started = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  host = started;
  let log = "";
  started.stderr.on("data", (chunk: Buffer) => {
    if (log.length < 10_000) log += chunk.toString();
  });
  for await (const line of createInterface({ input: started.stdout })) {
    print(line);
    const [, address] = /^Lever is up at http:\/\/(.+)$/.exec(line) ?? [];
    if (address !== undefined) return address;
  }
  throw new Error(`Lever did not start.\n${log}`);
}

/** Runs one command against the host and shows what it prints. */
async function lever(address: string, args: readonly string[]): Promise<void> {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [leverBin, ...args], {
    cwd: repository,
    env: { ...process.env, LEVEROS_IP_PORT: address, LEVEROS_ENV: "dev.lever" },
  });
  print(`${stderr}${stdout}`.trimEnd());
}

function step(number: number, title: string, args: readonly string[]): void {
  console.log(`\n${number}. ${title}`);
  print(`$ lever ${args.join(" ")}`);
}

function print(text: string): void {
  console.log(text.replaceAll(/^(?=.)/gm, "   "));
}

function nextSteps(address: string): string {
  const authority = staysUp ? address : `127.0.0.1:${PORT}`;
  return `
That is all. Try it yourself, in this folder:

   ${staysUp ? `export LEVEROS_IP_PORT=${authority}   # in another terminal` : "npx lever up   # in a terminal of its own"}
   npx lever deploy ${SERVICE_DIR}   # change ${SERVICE_DIR}/server.js first
   npx lever invoke ${METHOD} '"Lever"'
   npx lever ls

or from anything that speaks HTTP:

   curl 'http://${authority}${METHOD}?forceenv=dev.lever' -H 'content-type: application/json' -d '["world"]'
`;
}

async function isFree(port: number): Promise<boolean> {
  const probe = createServer();
  try {
    probe.listen(port, "127.0.0.1");
    await once(probe, "listening");
    return true;
  } catch {
    return false;
  } finally {
    probe.close();
  }
}

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CreatedToken } from "@leveros/protocol";
import { Client } from "leveros";
import { afterAll, beforeAll, expect, test } from "vitest";
import { serviceArchive } from "../harness/archive.ts";
import { deployArchive, httpCall } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { runLever } from "../harness/run-lever.ts";

const archive = serviceArchive({
  "lever.json": JSON.stringify({ name: "hello", jsEntry: "server.js" }),
  "server.js":
    "exports.greet = (name) => 'Hello, ' + name; exports.echoChan = async (stream) => { for await (const it of stream) stream.write(it); };",
});

let lever: RunningLever;
let master: string;
const config = mkdtempSync(join(tmpdir(), "lever-config-"));

const client = (token?: string): Client => new Client({ forceHost: lever.address, token });
const greet = (token?: string): Promise<unknown> =>
  client(token).service("dev.lever", "hello").invoke("greet", "you");
const admin = (token: string | undefined, method: string, ...args: unknown[]): Promise<unknown> =>
  client(token)
    .service("admin.lever", "admin")
    .invoke(method, ...args);
const create = async (wanted: object): Promise<CreatedToken> =>
  (await admin(master, "createToken", wanted)) as CreatedToken;
const cli = (args: string[], options: { token?: string; input?: string } = {}) =>
  runLever(["-H", lever.address, ...args], {
    ...(options.input !== undefined && { input: options.input }),
    env: { XDG_CONFIG_HOME: config, ...(options.token && { LEVEROS_TOKEN: options.token }) },
  });

async function echo(token?: string): Promise<unknown[]> {
  const stream = await client(token).service("dev.lever", "hello").invokeChan("echoChan");
  stream.write(1);
  stream.end();
  const received: unknown[] = [];
  for await (const message of stream) received.push(message);
  return received;
}

beforeAll(async () => {
  lever = await startLever();
  await deployArchive(lever.address, archive);
  const before = await greet();
  expect(before).toBe("Hello, you");
  await expect(
    admin(undefined, "createToken", { environments: ["dev.lever"], rights: ["invoke"] }),
  ).rejects.toThrow(/the first token must allow/);
  const first = { environments: ["*"], rights: ["admin"] };
  master = ((await admin(undefined, "createToken", first)) as CreatedToken).token;
});

afterAll(async () => {
  await lever.stop();
  rmSync(config, { recursive: true });
});

test("once there is a token, nobody gets in without", async () => {
  await expect(greet()).rejects.toMatchObject({ code: "unauthorized" });
  await expect(echo()).rejects.toMatchObject({ code: "unauthorized" });
  await expect(admin(undefined, "listTokens")).rejects.toMatchObject({ code: "unauthorized" });
  await expect(greet(`lever_${"x".repeat(43)}`)).rejects.toMatchObject({ code: "unauthorized" });
  const answer = await httpCall(lever.address, "/hello/greet?forceenv=dev.lever", { body: "[]" });
  expect(answer.status).toBe(401);
  expect(answer.headers["www-authenticate"]).toBe("Bearer");
  expect(await greet(master)).toBe("Hello, you");
  expect(await echo(master)).toEqual([1]);
});

test("a token allows what it says, where it says", async () => {
  const invoke = await create({
    environments: ["dev.lever"],
    rights: ["invoke"],
    note: "a caller",
  });
  expect(await greet(invoke.token)).toBe("Hello, you");
  expect(await echo(invoke.token)).toEqual([1]);
  await expect(admin(invoke.token, "listServices", "dev.lever")).rejects.toMatchObject({
    code: "forbidden",
  });
  const deploy = await create({ environments: ["dev.lever"], rights: ["deploy"] });
  await expect(greet(deploy.token)).rejects.toMatchObject({ code: "forbidden" });
  expect(await admin(deploy.token, "listServices", "dev.lever")).toHaveLength(1);
  await expect(admin(deploy.token, "listServices", "other.lever")).rejects.toMatchObject({
    code: "forbidden",
  });
  await expect(
    admin(deploy.token, "createToken", { environments: ["*"], rights: ["admin"] }),
  ).rejects.toMatchObject({ code: "forbidden" });
});

test("a revoked token is of no use from then on, and the last that may do everything stays", async () => {
  const { id, token } = await create({ environments: ["*"], rights: ["invoke"] });
  expect(await greet(token)).toBe("Hello, you");
  await admin(master, "revokeToken", id);
  await expect(greet(token)).rejects.toMatchObject({ code: "unauthorized" });
  const listings = (await admin(master, "listTokens")) as CreatedToken[];
  const [first] = listings;
  await expect(admin(master, "revokeToken", first?.id)).rejects.toThrow(
    /no token could be created any more/,
  );
  expect(JSON.stringify(listings)).not.toContain(master);
});

test("an environment that is open needs no token for its services", async () => {
  await admin(master, "setPublic", "dev.lever", true);
  expect(await greet()).toBe("Hello, you");
  await expect(greet("lever_unknown")).rejects.toMatchObject({ code: "unauthorized" });
  await expect(admin(undefined, "listServices", "dev.lever")).rejects.toMatchObject({
    code: "unauthorized",
  });
  await admin(master, "setPublic", "dev.lever", false);
  await expect(greet()).rejects.toMatchObject({ code: "unauthorized" });
});

test("the command line sends the token that it was given", async () => {
  expect((await cli(["invoke", "/hello/greet", '"you"'])).status).toBe(3);
  expect((await cli(["invoke", "/hello/greet", '"you"'], { token: master })).stdout).toContain(
    "Hello, you",
  );
  const login = await cli(["login"], { input: `${master}\n` });
  expect(login.status).toBe(0);
  expect((await cli(["invoke", "/hello/greet", '"you"'])).stdout).toContain("Hello, you");
  const created = await cli(["token", "create", "--rights", "invoke", "--expires", "1d"]);
  expect(await greet(created.stdout.trim())).toBe("Hello, you");
  expect((await cli(["token", "ls"])).stdout).toMatch(/dev\.lever +invoke/);
});

test("what was changed, and what was refused, is kept", async () => {
  const { stdout } = await cli(["audit", "--json"], { token: master });
  const entries = JSON.parse(stdout) as Record<string, string>[];
  expect(entries[0]).toMatchObject({
    principal: "local",
    method: "deployServiceChan",
    outcome: "done",
  });
  expect(entries).toContainEqual(
    expect.objectContaining({ method: "createToken", outcome: "forbidden" }),
  );
  expect(stdout).not.toContain(master);
});

test("tokens outlive the host, and only their hashes are kept", async () => {
  const kept = mkdtempSync(join(tmpdir(), "lever-tokens-"));
  const first = await startLever({ dataDir: kept });
  const host = new Client({ forceHost: first.address }).service("admin.lever", "admin");
  const wanted = { environments: ["*"], rights: ["admin"] };
  const { token } = (await host.invoke("createToken", wanted)) as CreatedToken;
  await first.kill();
  const second = await startLever({ dataDir: kept });
  const again = (own?: string) =>
    new Client({ forceHost: second.address, token: own })
      .service("admin.lever", "admin")
      .invoke("listTokens");
  await expect(again()).rejects.toMatchObject({ code: "unauthorized" });
  expect(await again(token)).toHaveLength(1);
  await second.stop();
  rmSync(kept, { recursive: true });
});

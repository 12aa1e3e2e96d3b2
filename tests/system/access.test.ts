import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AdminMethods, CreatedToken } from "@leveros/protocol";
import { Client } from "leveros";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { adminOf } from "../harness/admin.ts";
import { httpCall } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { runLever } from "../harness/run-lever.ts";
import { deployService, testService } from "../harness/test-service.ts";

const service = `
exports.greet = (name) => "Hello, " + name;
exports.exit = () => { console.log("a secret"); setTimeout(() => process.exit(3), 50); return new Promise(() => {}); };
exports.echoChan = async (stream) => { for await (const it of stream) stream.write(it); };
`;

let lever: RunningLever;
/** The first token. */
let master: string;
/** The outcome of a first token that does not allow everything. */
let tooNarrow: unknown;
const config = mkdtempSync(join(tmpdir(), "lever-config-"));

const client = (token?: string): Client => new Client({ forceHost: lever.address, token });
const greet = (token?: string): Promise<unknown> =>
  client(token).service("dev.lever", "hello").invoke("greet", "you");
const create = async (options: Parameters<AdminMethods["createToken"]>[0]): Promise<CreatedToken> =>
  await adminOf(lever, master).invoke("createToken", options);
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
  await deployService(lever, testService(service, { name: "hello" }));
  expect(await greet()).toBe("Hello, you");
  const createFirst = (
    options: Parameters<AdminMethods["createToken"]>[0],
  ): Promise<CreatedToken> => adminOf(lever).invoke("createToken", options);
  tooNarrow = await createFirst({ environments: ["dev.lever"], rights: ["invoke"] }).catch(String);
  master = (await createFirst({ environments: ["*"], rights: ["admin"] })).token;
});

afterAll(async () => {
  await lever.stop();
  rmSync(config, { recursive: true });
});

test("the first token must allow everything", () => {
  expect(tooNarrow).toMatch(/the first token must allow/);
});

describe("once there is a token", () => {
  test("a call without a token is unauthorized", async () => {
    await expect(greet()).rejects.toMatchObject({ code: "unauthorized" });
    await expect(echo()).rejects.toMatchObject({ code: "unauthorized" });
  });

  test("the admin service without a token is unauthorized", async () => {
    await expect(adminOf(lever).invoke("listTokens")).rejects.toMatchObject({
      code: "unauthorized",
    });
  });

  test("a call with an unknown token is unauthorized", async () => {
    await expect(greet(`lever_${"x".repeat(43)}`)).rejects.toMatchObject({ code: "unauthorized" });
  });

  test("an HTTP request without a token gets 401 and the scheme to use", async () => {
    const answer = await httpCall(lever.address, "/hello/greet?forceenv=dev.lever", { body: "[]" });
    expect(answer.status).toBe(401);
    expect(answer.headers["www-authenticate"]).toBe("Bearer");
  });

  test("a token for everything allows calls and streams", async () => {
    expect(await greet(master)).toBe("Hello, you");
    expect(await echo(master)).toEqual([1]);
  });
});

test("a token with the right invoke allows calls, and nothing of the admin service", async () => {
  const { token } = await create({
    environments: ["dev.lever"],
    rights: ["invoke"],
    note: "a caller",
  });
  expect(await greet(token)).toBe("Hello, you");
  expect(await echo(token)).toEqual([1]);
  await expect(adminOf(lever, token).invoke("listServices", "dev.lever")).rejects.toMatchObject({
    code: "forbidden",
  });
});

describe("what a failed instance printed", () => {
  const exit = async (...rights: ("look" | "deploy" | "invoke")[]): Promise<unknown> => {
    const { token, id } = await create({ environments: ["dev.lever"], rights });
    const exited = client(token).service("dev.lever", "hello").invoke("exit");
    return await exited.finally(() => adminOf(lever, master).invoke("revokeToken", id));
  };

  test("a caller who may see the logs gets what a failed instance printed", async () => {
    await expect(exit("invoke", "look")).rejects.toThrow(
      /exited with status 3\. Its last output:\n.*secret/,
    );
  });

  test("a caller who may only invoke does not get what a failed instance printed", async () => {
    await expect(exit("invoke")).rejects.toThrow(/exited with status 3\.$/);
  });
});

describe("a token with the right deploy", () => {
  let token: string;

  beforeAll(async () => {
    ({ token } = await create({ environments: ["dev.lever"], rights: ["deploy"] }));
  });

  test("a token with the right deploy allows no calls", async () => {
    await expect(greet(token)).rejects.toMatchObject({ code: "forbidden" });
  });

  test("a token with the right deploy allows its own environment only", async () => {
    expect(await adminOf(lever, token).invoke("listServices", "dev.lever")).toHaveLength(1);
    await expect(adminOf(lever, token).invoke("listServices", "other.lever")).rejects.toMatchObject(
      { code: "forbidden" },
    );
  });

  test("a token with the right deploy cannot create tokens", async () => {
    const options = { environments: ["*"], rights: ["admin"] } as const;
    await expect(adminOf(lever, token).invoke("createToken", options)).rejects.toMatchObject({
      code: "forbidden",
    });
  });
});

describe("a token with the right look", () => {
  let admin: ReturnType<typeof adminOf>;
  let token: string;

  beforeAll(async () => {
    ({ token } = await create({ environments: ["*"], rights: ["look"] }));
    admin = adminOf(lever, token);
  });

  test("a token with the right look allows listings and events", async () => {
    expect(await admin.invoke("listServices", "dev.lever")).toHaveLength(1);
    expect((await admin.invoke("listEvents", "dev.lever")).length).toBeGreaterThan(0);
    expect(await admin.invoke("listEnvironments")).toHaveLength(1);
    expect((await admin.invoke("listAudit")).length).toBeGreaterThan(0);
  });

  test("a token with the right look allows no change, no variables and no tokens", async () => {
    const outcomes = await Promise.allSettled([
      admin.invoke("rollBackService", "dev.lever", "hello"),
      admin.invoke("listVariables", "dev.lever"),
      admin.invoke("listTokens"),
      greet(token),
    ]);
    const refused = { status: "rejected", reason: expect.objectContaining({ code: "forbidden" }) };
    expect(outcomes).toEqual([refused, refused, refused, refused]);
  });
});

test("a call with a revoked token is unauthorized", async () => {
  const { id, token } = await create({ environments: ["*"], rights: ["invoke"] });
  expect(await greet(token)).toBe("Hello, you");
  await adminOf(lever, master).invoke("revokeToken", id);
  await expect(greet(token)).rejects.toMatchObject({ code: "unauthorized" });
});

test("the last token that allows everything is not revoked without force", async () => {
  const [first] = await adminOf(lever, master).invoke("listTokens");
  await expect(adminOf(lever, master).invoke("revokeToken", first?.id ?? "")).rejects.toMatchObject(
    { code: "conflict", message: expect.stringContaining("set force") },
  );
});

test("any token may ask what it allows", async () => {
  const { token, id } = await create({ environments: ["dev.lever"], rights: ["invoke"] });
  const { token: found } = await adminOf(lever, token).invoke("whoAmI");
  expect(found).toMatchObject({ id, environments: ["dev.lever"], rights: ["invoke"] });
});

test("the list of tokens contains no token", async () => {
  const listings = await adminOf(lever, master).invoke("listTokens");
  expect(JSON.stringify(listings)).not.toContain(master);
});

describe("an environment that is public", () => {
  beforeAll(async () => {
    await adminOf(lever, master).invoke("setPublic", "dev.lever", true);
  });

  afterAll(async () => {
    await adminOf(lever, master).invoke("setPublic", "dev.lever", false);
  });

  test("a call in a public environment needs no token", async () => {
    expect(await greet()).toBe("Hello, you");
  });

  test("a call with an unknown token is unauthorized in a public environment, too", async () => {
    await expect(greet("lever_unknown")).rejects.toMatchObject({ code: "unauthorized" });
  });

  test("the admin service of a public environment needs a token", async () => {
    await expect(adminOf(lever).invoke("listServices", "dev.lever")).rejects.toMatchObject({
      code: "unauthorized",
    });
  });
});

test("a call needs a token again after its environment was made private", async () => {
  await adminOf(lever, master).invoke("setPublic", "dev.lever", true);
  await adminOf(lever, master).invoke("setPublic", "dev.lever", false);
  await expect(greet()).rejects.toMatchObject({ code: "unauthorized" });
});

describe("the command line", () => {
  const invoke = ["invoke", "/hello/greet", '"you"'];

  test("a command without a token exits with 3", async () => {
    expect((await cli(invoke)).status).toBe(3);
  });

  test("lever token reset says how to use it while the host runs", async () => {
    const { status, stderr } = await runLever(["token", "reset", "--data", lever.dataDir]);
    expect([status, stderr]).toEqual([
      3,
      expect.stringMatching(/another Lever host has it open\.\nStop that host/),
    ]);
  });

  test("a command sends the token of LEVEROS_TOKEN", async () => {
    expect((await cli(invoke, { token: master })).stdout).toContain("Hello, you");
  });

  describe("after lever login", () => {
    beforeAll(async () => {
      expect((await cli(["login"], { input: `${master}\n` })).status).toBe(0);
    });

    test("a command sends the token of lever login", async () => {
      expect((await cli(invoke)).stdout).toContain("Hello, you");
    });

    test("lever token create prints a token that allows what it names", async () => {
      const created = await cli(["token", "create", "--rights", "invoke", "--expires", "1d"]);
      expect(await greet(created.stdout.trim())).toBe("Hello, you");
      expect((await cli(["token", "ls"])).stdout).toMatch(/dev\.lever +invoke/);
    });
  });
});

describe("the audit", () => {
  let text: string;
  let entries: Record<string, string>[];

  beforeAll(async () => {
    text = (await cli(["audit", "--json"], { token: master })).stdout;
    entries = JSON.parse(text) as Record<string, string>[];
  });

  test("the audit has every change", () => {
    expect(entries[0]).toMatchObject({
      principal: "local",
      method: "deployServiceChan",
      target: "hello",
      version: 1,
      outcome: "done",
    });
  });

  test("the audit has every change that was refused", () => {
    expect(entries).toContainEqual(
      expect.objectContaining({ method: "createToken", outcome: "forbidden" }),
    );
  });

  test("the audit contains no token", () => {
    expect(text).not.toContain(master);
  });
});

test("tokens survive a crash of the host, and lever token reset adds one while it is stopped", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "lever-tokens-"));
  const first = await startLever({ dataDir });
  const options = { environments: ["*"], rights: ["admin"] } as const;
  const { token } = await adminOf(first).invoke("createToken", options);
  await first.kill();
  const added = (await runLever(["token", "reset", "--data", dataDir])).stdout.trim();
  await using second = await startLever({ dataDir });
  await expect(adminOf(second).invoke("listTokens")).rejects.toMatchObject({
    code: "unauthorized",
  });
  expect(await adminOf(second, token).invoke("listTokens")).toHaveLength(2);
  expect(await adminOf(second, added).invoke("listTokens")).toHaveLength(2);
  await second.stop();
  rmSync(dataDir, { recursive: true });
});

// @module-tag needs-chromium
import { once } from "node:events";
import { join } from "node:path";
import type { CreatedToken } from "@leveros/protocol";
import { Client } from "leveros";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { launchBrowser, type PageServer, servePages } from "../harness/browser.ts";
import { fromJsonMessage, grpcPeer, toRpc } from "../harness/grpc-peer.ts";
import { httpCall } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { startProxy, type TestProxy } from "../harness/proxy.ts";
import { deployService, testService } from "../harness/test-service.ts";

const service = testService(
  `
    let calls = 0;
    exports.add = () => { calls++; };
    exports.addChan = async (stream) => { calls++; stream.end("added"); };
    exports.calls = () => calls;`,
  { name: "counter" },
);
const REBOUND = "evil.example";

declare global {
  /** In the page: see foreign-page.js. */
  var everyWay: (about: { target: string; tag: string }) => Promise<string[][]>;
}

let lever: RunningLever;
let browser: Browser;
let pages: PageServer;
/** The address that the name REBOUND leads to. */
let rebound: TestProxy;

const admin = (method: string, ...args: unknown[]): Promise<unknown> =>
  new Client({ forceHost: lever.address }).service("admin.lever", "admin").invoke(method, ...args);
const calls = (): Promise<unknown> =>
  new Client({ forceHost: lever.address }).service("dev.lever", "counter").invoke("calls");

beforeAll(async () => {
  lever = await startLever();
  await deployService(lever, service);
  await admin("setCorsOrigins", "dev.lever", ["https://app.example"]);
  pages = await servePages({ "/": "<!doctype html><title>page</title>" });
  rebound = await startProxy(pages.origin);
  browser = await launchBrowser([
    `--host-resolver-rules=MAP ${REBOUND}:80 127.0.0.1:${rebound.port}`,
    "--disable-features=HttpsUpgrades,HttpsFirstBalancedModeAutoEnable",
  ]);
}, 60_000);

/** Calls Lever from a page in every way that a page has. Returns the outcome of each. */
async function callEveryWay(
  page: Page,
  about: { target: string; tag: string },
): Promise<string[][]> {
  await page.addScriptTag({ path: join(import.meta.dirname, "foreign-page.js") });
  const outcomes = await page.evaluate((given) => globalThis.everyWay(given), about);
  // A way that breaks by itself would prove nothing.
  expect(outcomes.filter(([, text]) => /ReferenceError|SyntaxError/.test(text ?? ""))).toEqual([]);
  return outcomes;
}

/** The ways that got an answer from Lever. Status 0 is what the browser shows of an answer that it hides. */
function answered(outcomes: readonly string[][]): string[] {
  return outcomes.flatMap(([way = "", text = ""]) => (/^(?:2|open|message)/.test(text) ? way : []));
}

afterAll(async () => {
  await browser?.close();
  await rebound?.[Symbol.asyncDispose]();
  await pages?.[Symbol.asyncDispose]();
  await lever?.stop();
});

/** A page of another origin on this machine. It calls Lever at its address. */
async function openForeignPage(): Promise<{ page: Page; target: string }> {
  const page = await browser.newPage();
  await page.goto(pages.origin);
  return { page, target: `http://${lever.address}` };
}

/** A page from elsewhere whose host name now leads to Lever, so that Lever has the origin of the page. */
async function openReboundPage(): Promise<{ page: Page; target: string }> {
  const page = await browser.newPage();
  const target = `http://${REBOUND}`;
  rebound.retarget(pages.origin);
  await page.goto(`${target}/`);
  rebound.retarget(lever.address);
  return { page, target };
}

describe.each([
  ["a page of another origin", "foreign", openForeignPage],
  ["a page that was rebound to Lever", "rebound", openReboundPage],
])("%s", (subject, tag, open) => {
  let auditBefore: unknown;
  let outcomes: string[][];

  beforeAll(async () => {
    auditBefore = await admin("listAudit");
    const { page, target } = await open();
    outcomes = await callEveryWay(page, { target, tag });
    await page.close();
  });

  it(`${subject} gets no answer, whichever way it calls`, () => {
    expect(outcomes.length).toBeGreaterThan(20);
    // The browser does carry the calls of a rebound page: it shows the page that they are refused.
    if (tag === "rebound")
      expect(outcomes).toContainEqual(["service-get", expect.stringMatching(/^403/)]);
    expect(answered(outcomes)).toEqual([]);
  });

  it(`${subject} changes nothing in Lever`, async () => {
    expect(await admin("listAudit")).toEqual(auditBefore);
    expect(JSON.stringify(await admin("listEnvironments"))).not.toContain(tag);
  });

  it(`${subject} calls no service`, async () => {
    expect(await calls()).toBe(0);
  });
});

it("a page of an origin that its environment names gets answers", async () => {
  await admin("setCorsOrigins", "dev.lever", ["https://app.example", pages.origin]);
  const { page, target } = await openForeignPage();
  expect(answered(await callEveryWay(page, { target, tag: "named" }))).toEqual([
    "service",
    "service-get",
    "service-socket",
  ]);
  expect(await calls()).toBe(3);
  await page.close();
});

describe("a program on the same machine", () => {
  it("the command line does everything that a page cannot", async () => {
    expect((await lever.lever(["env", "create", "made.lever"])).status).toBe(0);
    expect(JSON.stringify(await admin("listEnvironments"))).toContain("made.lever");
    const streamed = await lever.lever(["stream", "/counter/addChan"]);
    expect(streamed.stdout).toBe('"added"\n');
    expect(await calls()).toBe(4);
  });

  const create = (headers: Record<string, string>, path = "/admin/listEnvironments") =>
    httpCall(lever.address, `${path}?forceenv=admin.lever`, {
      headers: { "content-type": "application/json", ...headers },
      body: "[]",
    });

  it("without a token, an HTTP call must name this machine as its host", async () => {
    for (const host of ["localhost", "127.0.0.1:1", "[::1]", "admin.lever", "made.lever"]) {
      expect((await create({ host })).status).toBe(200);
    }
    const answer = await create({ host: REBOUND });
    expect(answer.status).toBe(403);
    expect(answer.json()).toMatchObject({ code: "forbidden", detail: /evil\.example/ });
  });

  it("without a token, a WebSocket must name this machine as its host", async () => {
    const url = `ws://${lever.address}/admin/watchEventsChan?forceenv=admin.lever`;
    const refused = new WebSocket(url, "lever", { headers: { host: REBOUND } });
    const [error] = (await once(refused, "error")) as [Error];
    expect(error.message).toContain("403");
    const allowed = new WebSocket(url, "lever", { headers: { host: "made.lever" } });
    await once(allowed, "open");
    allowed.terminate();
  });

  async function callByGrpc(options: Parameters<typeof grpcPeer>[1]): Promise<unknown> {
    const peer = grpcPeer(lever.address, options);
    try {
      const answer = await peer.unary("lever://admin.lever/admin/listEnvironments", toRpc([]));
      return fromJsonMessage(answer["result"]);
    } finally {
      peer.close();
    }
  }

  it("without a token, a gRPC call must name this machine as its host", async () => {
    await expect(callByGrpc({ hostName: REBOUND })).rejects.toThrow(
      /PERMISSION_DENIED.*evil\.example/,
    );
    expect(JSON.stringify(await callByGrpc({}))).toContain("made.lever");
  });

  it("a gRPC call with the origin of a page is refused", async () => {
    const metadata = { origin: "https://app.example" };
    await expect(callByGrpc({ metadata })).rejects.toThrow(/PERMISSION_DENIED.*app\.example/);
  });

  it("the admin service takes no GET", async () => {
    const path = "/admin/watchEventsChan?forceenv=admin.lever&args=%5B%22dev.lever%22%5D";
    const headers = { accept: "text/event-stream" };
    expect((await httpCall(lever.address, path, { method: "GET", headers })).status).toBe(405);
  });

  it("a call with a token may name any host", async () => {
    const wanted = { environments: ["*"], rights: ["admin"] };
    const { token } = (await admin("createToken", wanted)) as CreatedToken;
    const authorization = `Bearer ${token}`;
    expect((await create({ host: REBOUND, authorization })).status).toBe(200);
    expect((await create({ host: REBOUND })).status).toBe(401);
  });
});

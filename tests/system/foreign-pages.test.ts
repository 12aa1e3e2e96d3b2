// @module-tag needs-chromium
import { once } from "node:events";
import { join } from "node:path";
import type { CreatedToken } from "@leveros/protocol";
import { Client } from "leveros";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { serviceArchive } from "../harness/archive.ts";
import { launchBrowser, type PageServer, servePages } from "../harness/browser.ts";
import { fromJsonMessage, grpcPeer, toRpc } from "../harness/grpc-peer.ts";
import { deployArchive, httpCall } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { openSwitch, type Switch } from "../harness/switch.ts";

const archive = serviceArchive({
  "lever.json": '{"name": "counter", "jsEntry": "server.js"}',
  "server.js": `
    let calls = 0;
    exports.add = () => { calls++; };
    exports.addChan = async (stream) => { calls++; stream.end("added"); };
    exports.calls = () => calls;`,
});
const REBOUND = "evil.example";

declare global {
  /** In the page: see foreign-page.js. */
  var everyWay: (about: { target: string; tag: string }) => Promise<string[][]>;
}

let lever: RunningLever;
let browser: Browser;
let pages: PageServer;
let evil: Switch;

const admin = (method: string, ...args: unknown[]): Promise<unknown> =>
  new Client({ forceHost: lever.address }).service("admin.lever", "admin").invoke(method, ...args);
const calls = (): Promise<unknown> =>
  new Client({ forceHost: lever.address }).service("dev.lever", "counter").invoke("calls");

beforeAll(async () => {
  lever = await startLever();
  expect((await deployArchive(lever.address, archive)).status).toBe(200);
  await admin("setCorsOrigins", "dev.lever", ["https://app.example"]);
  pages = await servePages({ "/": "<!doctype html><title>page</title>" });
  evil = await openSwitch();
  browser = await launchBrowser([
    `--host-resolver-rules=MAP ${REBOUND}:80 127.0.0.1:${evil.port}`,
    "--disable-features=HttpsUpgrades,HttpsFirstBalancedModeAutoEnable",
  ]);
}, 60_000);

/** What every way of a page to call heard. */
async function callEveryWay(
  page: Page,
  about: { target: string; tag: string },
): Promise<string[][]> {
  await page.addScriptTag({ path: join(import.meta.dirname, "foreign-page.js") });
  const heard = await page.evaluate((given) => globalThis.everyWay(given), about);
  // A way that breaks by itself would prove nothing.
  expect(heard.filter(([, text]) => /ReferenceError|SyntaxError/.test(text ?? ""))).toEqual([]);
  return heard;
}

/** Those that heard something of Lever; status 0 is what the browser shows of an answer that it hides. */
function told(heard: readonly string[][]): string[] {
  return heard.flatMap(([way = "", text = ""]) => (/^(?:2|open|message)/.test(text) ? way : []));
}

afterAll(async () => {
  await browser?.close();
  await evil?.[Symbol.asyncDispose]();
  await pages?.[Symbol.asyncDispose]();
  await lever?.stop();
});

/** A page of another origin on this machine; it calls Lever at its address. */
async function openForeignPage(): Promise<{ page: Page; target: string }> {
  const page = await browser.newPage();
  await page.goto(pages.origin);
  return { page, target: `http://${lever.address}` };
}

/** A page that came from elsewhere, whose host name leads to Lever by now: what it calls is of its own origin. */
async function openReboundPage(): Promise<{ page: Page; target: string }> {
  const page = await browser.newPage();
  const target = `http://${REBOUND}`;
  evil.leadTo(pages.origin);
  await page.goto(`${target}/`);
  evil.leadTo(lever.origin);
  return { page, target };
}

describe.each([
  ["of another origin", openForeignPage],
  ["whose host name was made to lead here", openReboundPage],
])("a page %s", (name, open) => {
  it("drives neither Lever nor what is kept for other pages, whichever way it calls", async () => {
    const audit = await admin("listAudit");
    const { page, target } = await open();
    const tag = name.includes("host name") ? "rebound" : "foreign";
    const heard = await callEveryWay(page, { target, tag });
    expect(heard.length).toBeGreaterThan(20);
    // The browser does carry them: what is not hidden from the page is that it was refused.
    if (tag === "rebound")
      expect(heard).toContainEqual(["service-get", expect.stringMatching(/^403/)]);
    expect(told(heard)).toEqual([]);
    expect(await admin("listAudit")).toEqual(audit);
    expect(JSON.stringify(await admin("listEnvironments"))).not.toContain(tag);
    expect(await calls()).toBe(0);
    await page.close();
  });
});

it("of its own environment's origin a page hears", async () => {
  await admin("setCorsOrigins", "dev.lever", ["https://app.example", pages.origin]);
  const { page, target } = await openForeignPage();
  expect(told(await callEveryWay(page, { target, tag: "named" }))).toEqual([
    "service",
    "service-get",
    "service-socket",
  ]);
  expect(await calls()).toBe(3);
  await page.close();
});

describe("a program", () => {
  it("of the command line does what no page could", async () => {
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

  it("is let in by where it is only if it names this machine, over HTTP", async () => {
    for (const host of ["localhost", "127.0.0.1:1", "[::1]", "admin.lever", "made.lever"]) {
      expect((await create({ host })).status).toBe(200);
    }
    const answer = await create({ host: REBOUND });
    expect(answer.status).toBe(403);
    expect(answer.json()).toMatchObject({ code: "forbidden", detail: /evil\.example/ });
  });

  it("is let in by where it is only if it names this machine, over WebSockets", async () => {
    const url = `ws://${lever.address}/admin/watchEventsChan?forceenv=admin.lever`;
    const refused = new WebSocket(url, "lever", { headers: { host: REBOUND } });
    const [error] = (await once(refused, "error")) as [Error];
    expect(error.message).toContain("403");
    const allowed = new WebSocket(url, "lever", { headers: { host: "made.lever" } });
    await once(allowed, "open");
    allowed.terminate();
  });

  it("is let in by where it is only if it names this machine, over gRPC, and from no page", async () => {
    const url = "lever://admin.lever/admin/listEnvironments";
    const call = async (options: Parameters<typeof grpcPeer>[1]): Promise<unknown> => {
      const peer = grpcPeer(lever.address, options);
      try {
        const answer = await peer.unary(url, toRpc([]));
        return fromJsonMessage(answer["result"]);
      } finally {
        peer.close();
      }
    };
    await expect(call({ hostName: REBOUND })).rejects.toThrow(/PERMISSION_DENIED.*evil\.example/);
    await expect(call({ metadata: { origin: "https://app.example" } })).rejects.toThrow(
      /PERMISSION_DENIED.*app\.example/,
    );
    expect(JSON.stringify(await call({}))).toContain("made.lever");
  });

  it("calls the admin service by POST only", async () => {
    const path = "/admin/watchEventsChan?forceenv=admin.lever&args=%5B%22dev.lever%22%5D";
    const headers = { accept: "text/event-stream" };
    expect((await httpCall(lever.address, path, { method: "GET", headers })).status).toBe(405);
  });

  it("with a token names any host", async () => {
    const wanted = { environments: ["*"], rights: ["admin"] };
    const { token } = (await admin("createToken", wanted)) as CreatedToken;
    const authorization = `Bearer ${token}`;
    expect((await create({ host: REBOUND, authorization })).status).toBe(200);
    expect((await create({ host: REBOUND })).status).toBe(401);
  });
});

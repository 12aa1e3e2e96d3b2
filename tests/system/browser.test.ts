// @module-tag needs-chromium
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import type { Client } from "leveros";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serviceArchive } from "../harness/archive.ts";
import { browserClient, launchBrowser, type PageServer, servePages } from "../harness/browser.ts";
import { deployArchive } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";

const service = `
exports.greet = (name) => "Hello, " + name + "!";
exports.fail = () => { throw { code: 42, list: [null] }; };
exports.swap = (bytes) => Buffer.from(bytes).reverse();
exports.never = (callback) => {};
exports.echoChan = async (stream, ...args) => { if (args.length > 0) stream.write(args); for await (const message of stream) stream.write(message); };
exports.pushChan = async function* (stream, count) { for (let i = 0; i < count; i++) yield Buffer.alloc(50_000, i); };
exports.failChan = async function* () { yield 1; throw { code: 7 }; };
let left = 0;
exports.waitChan = async (stream) => { stream.write("here"); try { for await (const _ of stream); } finally { left++; } };
exports.left = () => left;
`;

declare global {
  /** In the page: the client's module, and a client of the host under test. */
  var Lever: { Client: typeof Client };
  var client: Client;
}

let lever: RunningLever;
let browser: Browser;
let pages: PageServer;
let page: Page;

beforeAll(async () => {
  lever = await startLever();
  const files = { "server.js": service, "lever.json": '{"name": "web", "jsEntry": "server.js"}' };
  expect((await deployArchive(lever.address, serviceArchive(files))).status).toBe(200);
  pages = await servePages({
    "/": `<!doctype html><title>page</title><script type="module">
      import * as Lever from "/leveros.js";
      globalThis.Lever = Lever;
      globalThis.client = new Lever.Client({ forceHost: "${lever.address}" });
    </script>`,
  });
  browser = await launchBrowser();
  page = await browser.newPage();
  await page.goto(pages.origin);
  await page.waitForFunction(() => globalThis.client !== undefined);
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await pages?.[Symbol.asyncDispose]();
  await lever?.stop();
});

describe("the client in a page", () => {
  it("has at most 16 kB to load, and nothing of Node's", () => {
    const text = readFileSync(browserClient);
    expect(gzipSync(text).length).toBeLessThanOrEqual(16 * 1024);
    expect(text.toString()).not.toMatch(/from\s*"|node:/);
  });

  it("calls, in JSON and in bytes", async () => {
    const heard = await page.evaluate(async () => {
      const web = client.service("dev.lever", "web");
      const bytes = (await web.invoke("swap", new Uint8Array([1, 2, 255]))) as Uint8Array;
      return [await web.invoke("greet", "page"), bytes.constructor.name, [...bytes]];
    });
    expect(heard).toEqual(["Hello, page!", "Uint8Array", [255, 2, 1]]);
  });

  it("hears the method's value, and Lever's code", async () => {
    const heard = await page.evaluate(async () => {
      const failure = async (url: string, of = client): Promise<unknown> =>
        of.invokeURL(`lever://dev.lever/web/${url}`).catch((error) => [error.code, error.value]);
      const aborted = new AbortController();
      const leaving = failure("never", client.with({ signal: aborted.signal }));
      aborted.abort();
      return [
        await failure("fail"),
        await failure("nothing"),
        await failure("never", client.with({ timeoutMs: 100 })),
        await leaving,
      ];
    });
    expect(heard).toEqual([
      ["method_failed", { code: 42, list: [null] }],
      ["unknown_method", undefined],
      ["deadline_exceeded", undefined],
      ["cancelled", undefined],
    ]);
  });

  it("streams both ways, in JSON and in bytes", async () => {
    const heard = await page.evaluate(async () => {
      const stream = await client.service("dev.lever", "web").invokeChan("echoChan", "é", null);
      const messages = stream[Symbol.asyncIterator]();
      const all: unknown[] = [(await messages.next()).value];
      for (const message of [1, "\u{1F600}", null, { a: [] }, new Uint8Array([0, 255])]) {
        stream.write(message);
        const { value } = await messages.next();
        all.push(value instanceof Uint8Array ? [...value] : value);
      }
      stream.end();
      return [...all, (await messages.next()).done];
    });
    expect(heard).toEqual([["é", null], 1, "\u{1F600}", null, { a: [] }, [0, 255], true]);
  });

  it("reads a long stream at its own pace, and every byte of it", async () => {
    const heard = await page.evaluate(async () => {
      const stream = await client.service("dev.lever", "web").invokeChan("pushChan", 200);
      let index = 0;
      let bytes = 0;
      for await (const message of stream) {
        const chunk = message as Uint8Array;
        if (!chunk.every((byte) => byte === index % 256)) return "wrong bytes";
        bytes += chunk.length;
        index++;
      }
      return [index, bytes];
    });
    expect(heard).toEqual([200, 10_000_000]);
  });

  it("hears how a stream fails, and can leave one", async () => {
    const heard = await page.evaluate(async () => {
      const failing = await client.invokeChanURL("lever://dev.lever/web/failChan");
      const all: unknown[] = [];
      try {
        for await (const message of failing) all.push(message);
      } catch (error) {
        all.push((error as { value: unknown }).value);
      }
      for await (const message of await client.invokeChanURL("lever://dev.lever/web/waitChan")) {
        all.push(message);
        break;
      }
      while ((await client.invokeURL("lever://dev.lever/web/left")) !== 1);
      return all;
    });
    expect(heard).toEqual([1, { code: 7 }, "here"]);
  });

  it("of an origin that the environment does not name may not call", async () => {
    const set = (origins: string): ReturnType<RunningLever["lever"]> =>
      lever.lever(["invoke", "lever://admin.lever/admin/setCorsOrigins", '"dev.lever"', origins]);
    expect((await set('["https://app.example"]')).status).toBe(0);
    const codes = await page.evaluate(async () => {
      const code = (error: { code: string }): string => error.code;
      const stream = await client.invokeChanURL("lever://dev.lever/web/echoChan");
      return [
        await client.invokeURL("lever://dev.lever/web/greet", "x").catch(code),
        await stream[Symbol.asyncIterator]().next().catch(code),
        await client.invokeURL("lever://admin.lever/admin/listServices", "dev.lever").catch(code),
      ];
    });
    // The browser hides the answer itself from a page that may not read it.
    expect(codes).toEqual(["unreachable", "unreachable", "unreachable"]);
    expect((await set('["*"]')).status).toBe(0);
  });
});

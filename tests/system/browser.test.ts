// @module-tag needs-chromium
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import type { Client } from "leveros";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { browserClient, launchBrowser, type PageServer, servePages } from "../harness/browser.ts";
import { eventually } from "../harness/eventually.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { deployService, testService } from "../harness/test-service.ts";

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

/** Shows the cookie of the visitor, and sets it. */
const site = `
exports.fetch = async (request) => {
  if (request.method === "POST") {
    const name = (await request.formData()).get("name");
    return new Response(null, { status: 303, headers: { location: "./", "set-cookie": "name=" + name + "; Path=/" } });
  }
  const text = request.headers.get("cookie") ?? "nothing";
  const page = "<p>" + text + "</p><form method=post><input name=name><button>Set</button></form>";
  return new Response("<!doctype html>" + page, { headers: { "content-type": "text/html" } });
};`;

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
  await deployService(lever, testService(service, { name: "web" }));
  await deployService(lever, testService(site, { name: "site" }));
  await deployService(lever, testService(site, { name: "other" }));
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
  const bundle = readFileSync(browserClient);

  it("the client for pages has at most 16 kB, compressed", () => {
    expect(gzipSync(bundle).length).toBeLessThanOrEqual(16 * 1024);
  });

  it("the client for pages imports nothing of Node's", () => {
    expect(bundle.toString()).not.toMatch(/from\s*"|node:/);
  });

  it("a page calls methods with JSON and with bytes", async () => {
    const results = await page.evaluate(async () => {
      const web = client.service("dev.lever", "web");
      const bytes = (await web.invoke("swap", new Uint8Array([1, 2, 255]))) as Uint8Array;
      return [await web.invoke("greet", "page"), bytes.constructor.name, [...bytes]];
    });
    expect(results).toEqual(["Hello, page!", "Uint8Array", [255, 2, 1]]);
  });

  /** The code and the value with which a call of the page fails. */
  const failureOf = (
    method: string,
    how: { readonly timeoutMs?: number; readonly isCancelled?: boolean } = {},
  ): Promise<unknown> =>
    page.evaluate(
      async ({ method, timeoutMs = 0, isCancelled = false }) => {
        const cancellation = new AbortController();
        const call = client
          .with({ timeoutMs, signal: cancellation.signal })
          .invokeURL(`lever://dev.lever/web/${method}`)
          .catch((error) => [error.code, error.value]);
        if (isCancelled) cancellation.abort();
        return await call;
      },
      { method, ...how },
    );

  it("a page gets the value that a method fails with", async () => {
    expect(await failureOf("fail")).toEqual(["method_failed", { code: 42, list: [null] }]);
  });

  it("a page gets the code of Lever's refusal", async () => {
    expect(await failureOf("nothing")).toEqual(["unknown_method", undefined]);
  });

  it("a call of a page fails at its deadline", async () => {
    expect(await failureOf("never", { timeoutMs: 100 })).toEqual(["deadline_exceeded", undefined]);
  });

  it("a page can cancel a call", async () => {
    expect(await failureOf("never", { isCancelled: true })).toEqual(["cancelled", undefined]);
  });

  it("a stream of a page carries JSON and bytes both ways", async () => {
    const received = await page.evaluate(async () => {
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
    expect(received).toEqual([["é", null], 1, "\u{1F600}", null, { a: [] }, [0, 255], true]);
  });

  it("a page reads every byte of a stream of 10 MB", async () => {
    const received = await page.evaluate(async () => {
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
    expect(received).toEqual([200, 10_000_000]);
  });

  it("a page gets the messages of a stream before its error", async () => {
    const received = await page.evaluate(async () => {
      const failing = await client.invokeChanURL("lever://dev.lever/web/failChan");
      const all: unknown[] = [];
      try {
        for await (const message of failing) all.push(message);
      } catch (error) {
        all.push((error as { value: unknown }).value);
      }
      return all;
    });
    expect(received).toEqual([1, { code: 7 }]);
  });

  it("a service learns that a page has left a stream", async () => {
    const first = await page.evaluate(async () => {
      const stream = await client.invokeChanURL("lever://dev.lever/web/waitChan");
      for await (const message of stream) return message;
      return undefined;
    });
    expect(first).toBe("here");
    const left = (): Promise<unknown> =>
      page.evaluate(() => client.invokeURL("lever://dev.lever/web/left"));
    await eventually(async () => (await left()) === 1);
  });

  it("a page of an origin that its environment does not name cannot call", async () => {
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

describe("a page of a service", () => {
  const port = (): string => lever.address.split(":")[1] ?? "";

  it("a page has an origin of its own at the service's host name", async () => {
    const own = await browser.newPage();
    await own.goto(`http://site.dev.lever.localhost:${port()}/`);
    await own.fill("input", "Ada");
    await own.click("button");
    await own.waitForSelector("text=name=Ada");
    expect(await own.evaluate("self.origin")).toBe(`http://site.dev.lever.localhost:${port()}`);
    await own.close();
  });

  it("a page has no origin below a host name that Lever uses", async () => {
    const shared = await browser.newPage();
    await shared.goto(`http://${lever.address}/site/`);
    expect(await shared.evaluate("self.origin")).toBe("null");
    const call = async (url: string): Promise<string> => {
      const answer = await fetch(url, { method: "POST", body: "[]" });
      return answer.text();
    };
    await expect(shared.evaluate(call, "/admin/listLimits?forceenv=admin.lever")).rejects.toThrow();
    await shared.close();
  });

  it("a cookie of a service does not reach another one below the same host name", async () => {
    const shared = await browser.newPage();
    const open = async (service: string): Promise<string | null> => {
      await shared.goto(`http://${lever.address}/${service}/`);
      return await shared.textContent("p");
    };
    expect(await open("site")).toBe("nothing");
    await shared.fill("input", "Ada");
    await shared.click("button");
    await shared.waitForSelector("text=name=Ada");
    expect([await open("other"), await open("site")]).toEqual(["nothing", "name=Ada"]);
    await shared.close();
  });
});

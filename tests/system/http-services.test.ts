import { once } from "node:events";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { adminOf, instancesOf } from "../harness/admin.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { type Protocol, type SiteRequest, sendRequest } from "../harness/site-client.ts";
import { deployService, testService } from "../harness/test-service.ts";

const site = `
export const hello = (name) => "Hello, " + name;
export async function* echoChan(stream) { yield* stream; }

const pages = {
  "/": () => new Response("<h1>Hello</h1>", { headers: { "content-type": "text/html" } }),
  "/echo": (request) => new Response(request.body),
  "/head": (request) => Response.json({ method: request.method, url: request.url, headers: [...request.headers] }),
  "/term"(request) {
    return new Response(new ReadableStream({ start(controller) {
      const send = (text) => controller.enqueue(new TextEncoder().encode(text));
      send("begun");
      process.once("SIGTERM", async () => {
        send("term");
        for await (const chunk of request.body);
        send("done");
        controller.close();
      });
    } }));
  },
  "/fields": () => new Response("", { headers: [
    ["set-cookie", "a=1; Path=/; Domain=example.com"], ["set-cookie", "b=2"], ["connection", "x-hop"], ["x-hop", "1"], ["keep-alive", "x"],
    ["lever-error", "platform"], ["x-own", "kept"], ["content-security-policy", "default-src 'self'"],
    ["clear-site-data", '"*"'],
  ] }),
  "/sized": () => new Response("12345", { headers: { "content-length": "5" } }),
  "/longer": () => new Response("12345", { headers: { "content-length": "3" } }),
  "/shorter": () => new Response("12345", { headers: { "content-length": "7" } }),
  "/empty": () => new Response(null, { status: 204 }),
  "/moved": () => new Response(null, { status: 302, headers: { location: "/elsewhere" } }),
  "/many": () => new Response("", { headers: { "x-many": "m".repeat(20_000) } }),
  "/throws": () => { throw new Error("the <reason>"); },
  "/nothing": () => undefined,
  "/breaks": () => new Response(new ReadableStream({ pull(controller) {
    controller.enqueue(new TextEncoder().encode("begun"));
    controller.error(new Error("broken"));
  } })),
};

export function fetch(request, context) {
  const url = new URL(request.url);
  const page = pages[url.pathname];
  return page === undefined ? new Response("no " + url.pathname + " " + context.method, { status: 404 }) : page(request);
}`;

const service = testService({ "server.mjs": site }, { name: "web", jsEntry: "server.mjs" });

describe.each([
  ["the host", 1],
  ["workers", 2],
])("through %s", (_by, workers) => {
  let lever: RunningLever;

  beforeAll(async () => {
    const limits = ["--limit", "deployDrainTimeoutMs=1", "--limit", "drainTimeoutMs=60000"];
    lever = await startLever({ workers, args: limits });
    await deployService(lever, service);
    const small = "export const fetch = async (request) => new Response(await request.text());";
    const limited = { name: "small", jsEntry: "server.mjs", httpBodyBytesMax: 10 };
    await deployService(lever, testService({ "server.mjs": small }, limited));
  }, 60_000);

  afterAll(() => lever.stop());

  describe.each<[Protocol]>([["HTTP/1.1"], ["HTTP/2"]])("over %s", (protocol) => {
    const send = (request: string | SiteRequest): ReturnType<typeof sendRequest> =>
      sendRequest(
        protocol,
        lever.address,
        typeof request === "string" ? { path: `/web${request}` } : request,
      );
    const headOf = async (
      request: SiteRequest,
    ): Promise<Record<string, string> & { url: string }> => {
      const head = JSON.parse(await (await send(request)).text());
      return { ...Object.fromEntries(head.headers), method: head.method, url: head.url };
    };

    it.each<[string, SiteRequest | string, number, string]>([
      ["a page", "/", 200, "<h1>Hello</h1>"],
      ["a path that the service does not have", "/none", 404, "no /none fetch"],
      ["a status without a body", "/empty", 204, ""],
      [
        "a call of a method",
        {
          method: "POST",
          path: "/web/hello",
          body: '["x"]',
          headers: { "content-type": "application/json" },
        },
        200,
        '"Hello, x"',
      ],
      ["a GET of a method's name", "/hello", 404, "no /hello fetch"],
      ["a POST of another name", { method: "POST", path: "/web/echo", body: "abc" }, 200, "abc"],
      [
        "a POST of the name fetch",
        { method: "POST", path: "/web/fetch", body: "[]" },
        404,
        "no /fetch fetch",
      ],
      ["another HTTP method", { method: "PUT", path: "/web/echo", body: "abc" }, 200, "abc"],
      [
        "a body of a page's origin",
        {
          method: "POST",
          path: "/web/echo",
          body: "abc",
          headers: { origin: "https://a.example" },
        },
        200,
        "abc",
      ],
      ["headers that are too large", "/many", 502, ""],
      ["an answer that is none", "/nothing", 500, ""],
    ])("%s is answered", async (_what, request, status, text) => {
      const answer = await send(request);
      const body = await answer.text();
      expect(answer.status, body).toBe(status);
      if (status < 500) expect(body).toBe(text);
    });

    it("a request has its path, and headers that Lever vouches for", async () => {
      const headers = {
        host: "dev.lever:8080",
        connection: "x-hop",
        "x-hop": "1",
        "lever-call": "forged",
        "x-lever-src-env": "forged",
        cookie: "a=1; b=2",
        authorization: "Basic YTpi",
        "x-own": "kept",
      };
      const head = await headOf({ path: "/web/head?a=1&b=%20", headers });
      expect(head).toMatchObject({
        url: "http://dev.lever:8080/head?a=1&b=%20",
        host: "dev.lever:8080",
        cookie: "a=1; b=2",
        authorization: "Basic YTpi",
        "x-own": "kept",
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-host": "dev.lever:8080",
        "x-forwarded-prefix": "/web",
        "x-forwarded-proto": "http",
      });
      for (const name of ["lever-call", "x-lever-src-env", "connection"]) {
        expect(head).not.toHaveProperty(name);
      }
      if (protocol === "HTTP/1.1") expect(head).not.toHaveProperty("x-hop");
    });

    it("a response has the headers of the service, except those of a connection", async () => {
      const { headers } = await send("/fields");
      expect(headers).toMatchObject({ "set-cookie": ["a=1; Path=/web", "b=2"], "x-own": "kept" });
      expect(headers["content-security-policy"]).toMatch(/^default-src 'self', sandbox /);
      expect(headers["x-content-type-options"]).toBe("nosniff");
      for (const name of ["x-hop", "lever-error", "clear-site-data"]) {
        expect(headers).not.toHaveProperty(name);
      }
      const own = { path: "/fields", headers: { host: "web.dev.lever.localhost" } };
      expect((await send(own)).headers).toMatchObject({
        "set-cookie": ["a=1; Path=/", "b=2"],
        "content-security-policy": "default-src 'self'",
        "clear-site-data": '"*"',
      });
    });

    it("HEAD is answered without a body", async () => {
      const answer = await send({ method: "HEAD", path: "/web/sized" });
      expect(answer).toMatchObject({ status: 200, headers: { "content-length": "5" } });
      expect(await answer.text()).toBe("");
    });

    it.each(["/longer", "/shorter", "/breaks"])("the false body of %s breaks off", async (path) => {
      const answer = await send(path);
      await expect(answer.read()).rejects.toThrow();
    });

    it("a redirect is not followed, and the name of a service leads to its first page", async () => {
      const moved = await send("/moved");
      expect(moved).toMatchObject({ status: 302, headers: { location: "/elsewhere" } });
      const first = await send("?q=1");
      expect(first).toMatchObject({ status: 308, headers: { location: "/web/?q=1" } });
    });

    it("a compressed upload reaches the service as it was sent", async () => {
      const headers = { "content-encoding": "gzip" };
      const body = gzipSync("content");
      const answer = await send({ method: "POST", path: "/web/echo", headers, body });
      expect(String(gunzipSync(await answer.read()))).toBe("content");
      expect(await headOf({ method: "POST", path: "/web/head", headers, body })).toMatchObject(
        headers,
      );
    });

    it("a fetch that throws is answered with a problem, or a page for browsers", async () => {
      const problem = await send("/throws");
      expect(problem.headers).toMatchObject({
        "content-type": "application/problem+json",
        "lever-error": "method",
        "lever-call": expect.any(String),
      });
      const detail = "The service failed to answer the request: the <reason>";
      expect(JSON.parse(await problem.text())).toMatchObject({ code: "method_failed", detail });
      const page = await send({ path: "/web/throws", headers: { accept: "text/html" } });
      expect(page).toMatchObject({ status: 500 });
      expect(page.headers["content-type"]).toBe("text/html; charset=utf-8");
      expect(await page.text()).toContain("the &lt;reason&gt;");
    });

    it("a body over the limit of its service is refused, with a length or without one", async () => {
      const post = (body: SiteRequest["body"]): ReturnType<typeof send> =>
        send({ method: "POST", path: "/small/", body: body ?? "" });
      expect(await (await post("0123456789")).text()).toBe("0123456789");
      expect((await post("0123456789+")).status).toBe(413);
      const streamed = await post((stream) => {
        stream.write("01234");
        stream.end("56789+");
      });
      expect(streamed.status).toBe(413);
    });

    it("a browser gets a page where a program gets a problem", async () => {
      const page = await send({ path: "/nobody/x", headers: { accept: "text/html,*/*" } });
      expect(page.headers["content-type"]).toBe("text/html; charset=utf-8");
      expect(await page.text()).toContain("<h1>4");
      const problem = await send({ path: "/nobody/x" });
      expect(problem.headers["content-type"]).toBe("application/problem+json");
      problem.leave();
    });

    it("a host name of its own has all paths of the service", async () => {
      const headers = { host: "web.dev.lever.localhost:8080" };
      const page = await send({ path: "/", headers });
      expect(await page.text()).toBe("<h1>Hello</h1>");
      expect(page.headers).not.toHaveProperty("content-security-policy");
      const posted = await send({ method: "POST", path: "/web/hello", headers, body: "[]" });
      expect(await posted.text()).toBe("no /web/hello fetch");
      expect(await headOf({ path: "/head", headers })).not.toHaveProperty("x-forwarded-prefix");
      expect(await (await send({ path: "/-/ready", headers })).text()).toBe("no /-/ready fetch");
      const called = { method: "POST", path: "/-/lever/web/hello", body: '["x"]' };
      const json = { ...headers, "content-type": "application/json" };
      expect(await (await send({ ...called, headers: json })).text()).toBe('"Hello, x"');
    });
  });

  it("files are served without an instance, and change with the version", async () => {
    const website = (text: string): Buffer =>
      testService(
        { "public/index.html": text, "private.txt": "secret" },
        { name: "website", entry: [], static: "public" },
      );
    const get = async (path: string): Promise<readonly [number, string]> => {
      const answer = await sendRequest("HTTP/1.1", lever.address, { path });
      return [answer.status, await answer.text()];
    };
    await deployService(lever, website("first"));
    expect(await get("/website/")).toEqual([200, "first"]);
    expect((await get("/website/private.txt"))[0]).toBe(404);
    await deployService(lever, website("second"));
    expect(await get("/website/")).toEqual([200, "second"]);
    await adminOf(lever).invoke("rollBackService", "dev.lever", "website");
    expect(await get("/website/")).toEqual([200, "first"]);
    expect(await instancesOf(lever, "website")).toEqual([]);
  });

  it("a route leads a host name to a service at once, and its pages call methods there", async () => {
    const admin = adminOf(lever);
    const shop = { host: "shop.example.com" };
    const send = (path: string, method = "GET", body = ""): ReturnType<typeof sendRequest> =>
      sendRequest("HTTP/1.1", lever.address, { path, method, body, headers: shop });
    expect((await send("/")).status).toBe(400);
    await admin.invoke("addRoute", "dev.lever", "shop.example.com", "web");
    await admin.invoke("addRoute", "dev.lever", "shop.example.com/sub", "web");
    expect(await (await send("/")).text()).toBe("<h1>Hello</h1>");
    const { headers } = JSON.parse(await (await send("/sub/head")).text());
    expect(Object.fromEntries(headers)["x-forwarded-prefix"]).toBe("/sub");
    expect(await (await send("/-/lever/web/hello", "POST", "x")).text()).toBe('"Hello, x"');
    const socket = new WebSocket(`ws://${lever.address}/-/lever/web/echoChan`, { headers: shop });
    socket.on("open", () => socket.send("[]", () => socket.send('"over a stream"')));
    expect(String((await once(socket, "message"))[0])).toBe('"over a stream"');
    socket.terminate();
    await admin.invoke("removeRoute", "dev.lever", "shop.example.com/sub");
    expect(await (await send("/sub/head")).text()).toBe("no /sub/head fetch");
    await admin.invoke("removeRoute", "dev.lever", "shop.example.com");
    expect((await send("/")).status).toBe(400);
  });

  it("a service with capitals has a host name if no other has it, and its addresses are listed", async () => {
    const admin = adminOf(lever);
    const app = (name: string): Buffer => {
      const code = `export const fetch = () => new Response("${name}");`;
      return testService({ "server.mjs": code }, { name, jsEntry: "server.mjs" });
    };
    const own = { path: "/", headers: { host: "myapp.dev.lever.localhost" } };
    const answer = async (): Promise<readonly [number, string]> => {
      const { status, text } = await sendRequest("HTTP/1.1", lever.address, own);
      return [status, await text()];
    };
    const siteOf = async (name: string): Promise<unknown> => {
      const listed = await admin.invoke("listServices", "dev.lever");
      return listed.find(({ service: of }) => of === name)?.site;
    };
    const first = await deployService(lever, app("MyApp"));
    expect([first.hostName, ...(await answer())]).toEqual([own.headers.host, 200, "MyApp"]);
    await admin.invoke("addRoute", "dev.lever", "*.apps.example.com");
    await admin.invoke("addRoute", "dev.lever", "app.example.com/x", "MyApp");
    const second = await deployService(lever, app("myApp"));
    expect([second.hostName, (await answer())[0]]).toEqual([undefined, 404]);
    expect(await siteOf("MyApp")).toEqual({ routes: ["app.example.com/x"] });
    await admin.invoke("removeService", "dev.lever", "myApp");
    expect(await answer()).toEqual([200, "MyApp"]);
    expect(await siteOf("MyApp")).toEqual({
      hostName: own.headers.host,
      routes: ["app.example.com/x", "myapp.apps.example.com"],
    });
    for (const address of ["*.apps.example.com", "app.example.com/x"]) {
      await admin.invoke("removeRoute", "dev.lever", address);
    }
  });

  it("an instance of an old version completes its requests", async () => {
    let upload: NodeJS.WritableStream | undefined;
    const body = (stream: NodeJS.WritableStream): void => {
      upload = stream;
      stream.write("a part");
    };
    const request = { method: "POST", path: "/web/term", body };
    const answer = await sendRequest("HTTP/1.1", lever.address, request);
    const parts = answer.stream[Symbol.asyncIterator]();
    expect(String((await parts.next()).value)).toBe("begun");
    await deployService(lever, service);
    expect(String((await parts.next()).value)).toBe("term");
    upload?.end();
    expect(String((await parts.next()).value)).toBe("done");
  });
});

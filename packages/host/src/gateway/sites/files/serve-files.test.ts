import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Protocol, sendRequest } from "../../../../../../tests/harness/site-client.ts";
import { openTestGateway, type TestGateway } from "../../../../../../tests/harness/test-gateway.ts";

const LARGE = Buffer.alloc(1_000_001, "0123456789");
const SCRIPT = Buffer.from("export const text = 'a script';".repeat(50));
const own = { host: "site.dev.lever.localhost" };
const html = { accept: "text/html,*/*" };

let code: string;
let gateway: TestGateway;

beforeAll(async () => {
  code = mkdtempSync(join(tmpdir(), "lever-files-"));
  const write = (path: string, content: string | Buffer): void => {
    mkdirSync(dirname(join(code, path)), { recursive: true });
    writeFileSync(join(code, path), content);
  };
  write("server.js", "secret");
  write("public/index.html", "<h1>first page</h1>");
  write("public/404.html", "<h1>no such page</h1>");
  write("public/docs/index.html", "<h1>docs</h1>");
  write("public/empty/file.txt", "text");
  write("public/nothing.txt", "");
  write("public/a b.txt", "0123456789");
  write("public/assets/app-3f2a9c1b.js", SCRIPT);
  write("public/assets/app-3f2a9c1b.js.br", brotliCompressSync(SCRIPT));
  write("public/assets/app-3f2a9c1b.js.gz", gzipSync(SCRIPT));
  write("public/style.css", "body{}");
  write("public/style.css.gz", gzipSync("body{}"));
  write("public/large.bin", LARGE);
  write("public/.env", "secret");
  write("public/.git/config", "secret");
  symlinkSync("../server.js", join(code, "public/out.js"));
  symlinkSync("/etc", join(code, "public/etc"));
  symlinkSync(".env", join(code, "public/hidden.txt"));
  symlinkSync("style.css", join(code, "public/linked.css"));
  symlinkSync("loop", join(code, "public/loop"));
  execFileSync("mkfifo", [join(code, "public/pipe")]);
  gateway = await openTestGateway();
  const files = { folder: join(code, "public") };
  gateway.sites.set("dev.lever", "site", { methods: ["hello"], hasFetch: false, files });
  gateway.sites.set("dev.lever", "app", { methods: [], hasFetch: true, files });
  const fallback = { ...files, fallback: "index.html" };
  gateway.sites.set("dev.lever", "spa", { methods: [], hasFetch: false, files: fallback });
});

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  rmSync(code, { recursive: true });
});

describe.each<[Protocol]>([["HTTP/1.1"], ["HTTP/2"]])("over %s", (protocol) => {
  const get = async (
    path: string,
    headers: Readonly<Record<string, string>> = {},
    method = "GET",
  ) => {
    const address = `127.0.0.1:${gateway.port}`;
    const sent = { host: "127.0.0.1", ...headers };
    const answer = await sendRequest(protocol, address, { method, path, headers: sent });
    return { ...answer, body: await answer.read() };
  };

  it.each<[string, number, string]>([
    ["/site/", 200, "<h1>first page</h1>"],
    ["/site/index.html", 200, "<h1>first page</h1>"],
    ["/site/?a=1", 200, "<h1>first page</h1>"],
    ["/site/docs/", 200, "<h1>docs</h1>"],
    ["/site/a%20b.txt", 200, "0123456789"],
    ["/site/nothing.txt", 200, ""],
    ["/site/linked.css", 200, "body{}"],
    ["/site/large.bin", 200, String(LARGE)],
    ["/site/docs?a=1", 308, ""],
    ["/site", 308, ""],
  ])("%s is answered with %i", async (path, status, text) => {
    const { body, ...answer } = await get(path);
    expect([answer.status, String(body)]).toEqual([status, text]);
    if (status === 200) expect(answer.headers["content-length"]).toBe(String(text.length));
  });

  it("a folder is redirected to its path with a slash", async () => {
    expect((await get("/site/docs?a=1")).headers["location"]).toBe("/site/docs/?a=1");
    expect((await get("/docs?a=1", own)).headers["location"]).toBe("/docs/?a=1");
  });

  it.each([
    "/site/none",
    "/site/.env",
    "/site/%2eenv",
    "/site/.git/config",
    "/site/hidden.txt",
    "/site/out.js",
    "/site/etc/passwd",
    "/site/../server.js",
    "/site/%2e%2e/server.js",
    "/site/..%2fserver.js",
    "/site/..%5cserver.js",
    "/site/docs/%2e%2e/%2e%2e/server.js",
    "/site//etc/passwd",
    "/site/%2fetc/passwd",
    "/site/index.html%00",
    "/site/index.html/",
    "/site/empty",
    "/site/empty/",
    "/site/loop",
    "/site/pipe",
    "/site/%ff",
    "/site/%252e%252e/server.js",
    "/site/..%252fserver.js",
    "/site/%c0%ae%c0%ae/server.js",
    "/site/docs\\..\\..\\server.js",
    "/site/style.css/../../server.js",
    "/site/docs/..;/server.js",
    "/site/index.html%2f..%2f..%2fserver.js",
    "/site/index.html%00.css",
    "/site/docs/.%00/index.html",
    "/site/STYLE.CSS",
    "/site/style.css.",
    `/site/${"a".repeat(300)}`,
    `/site/${"a/".repeat(2_000)}a`,
  ])("%s is no file of the site", async (path) => {
    const answer = await get(path);
    expect(answer.status).toBe(404);
    expect(JSON.parse(String(answer.body))).toMatchObject({ code: "not_found" });
    expect(String(answer.body)).not.toContain("secret");
  });

  it("HEAD has the head of GET, and no body", async () => {
    for (const path of ["/site/", "/site/large.bin", "/site/nothing.txt"]) {
      const { date: _date, ...headers } = (await get(path)).headers;
      const head = await get(path, {}, "HEAD");
      expect(head).toMatchObject({ status: 200, headers });
      expect(head.body.length).toBe(0);
    }
  });

  it.each(["/site/index.html", "/site/large.bin"])(
    "a caller who has %s gets 304 with its entity tag",
    async (path) => {
      const { etag } = (await get(path)).headers;
      const answer = await get(path, { "if-none-match": `"x", W/${etag}` });
      expect(answer.status).toBe(304);
      expect(answer.headers).toMatchObject({ etag, "cache-control": "no-cache" });
      expect(answer.body.length).toBe(0);
      expect((await get(path, { "if-none-match": '"x"' })).status).toBe(200);
      expect((await get(path, { "if-match": '"x"' })).status).toBe(412);
    },
  );

  it.each([
    ["/site/a%20b.txt", "0123456789"],
    ["/site/large.bin", String(LARGE)],
  ])("a range of %s is answered with 206", async (path, text) => {
    const { etag } = (await get(path)).headers;
    const part = await get(path, { range: "bytes=3-5", "if-range": String(etag) });
    expect([part.status, String(part.body)]).toEqual([206, "345"]);
    expect(part.headers).toMatchObject({
      "content-range": `bytes 3-5/${text.length}`,
      "content-length": "3",
      etag,
    });
    expect(String((await get(path, { range: "bytes=-3" })).body)).toBe(text.slice(-3));
    const none = await get(path, { range: `bytes=${text.length}-` });
    expect([none.status, none.headers["content-range"]]).toEqual([416, `bytes */${text.length}`]);
    const several = await get(path, { range: "bytes=0-1,3-4" });
    expect([several.status, several.body.length]).toEqual([200, text.length]);
    const changed = await get(path, { range: "bytes=3-5", "if-range": '"x"' });
    expect([changed.status, changed.body.length]).toEqual([200, text.length]);
  });

  it("a compressed copy is sent to callers that accept it, with a tag of its own", async () => {
    const path = "/site/assets/app-3f2a9c1b.js";
    const plain = await get(path);
    const br = await get(path, { "accept-encoding": "gzip, br" });
    const gzip = await get(path, { "accept-encoding": "gzip, br;q=0" });
    expect(plain.body).toEqual(SCRIPT);
    expect(br.body).toEqual(brotliCompressSync(SCRIPT));
    expect(gzip.body).toEqual(gzipSync(SCRIPT));
    const codings = [plain, br, gzip].map(({ headers }) => headers["content-encoding"]);
    expect(codings).toEqual([undefined, "br", "gzip"]);
    expect(new Set([plain, br, gzip].map(({ headers }) => headers["etag"])).size).toBe(3);
    for (const { headers } of [plain, br, gzip]) {
      expect(headers).toMatchObject({
        vary: "accept-encoding",
        "content-type": "text/javascript; charset=utf-8",
        "cache-control": "max-age=31536000, immutable",
      });
    }
    const none = await get("/site/style.css", { "accept-encoding": "br" });
    expect([none.headers["content-encoding"], String(none.body)]).toEqual([undefined, "body{}"]);
    const weighed = await get(path, { "accept-encoding": "br;q=0.1, gzip;q=0.9, identity;q=0.5" });
    const preferred = await get(path, { "accept-encoding": "identity, br;q=0.5" });
    const asked = [weighed, preferred].map(({ headers }) => headers["content-encoding"]);
    expect(asked).toEqual(["gzip", undefined]);
    const known = { "accept-encoding": "br", "if-none-match": String(br.headers["etag"]) };
    expect((await get(path, known)).status).toBe(304);
    expect((await get(path, { ...known, "accept-encoding": "gzip" })).status).toBe(200);
    const part = await get(path, { "accept-encoding": "br", range: "bytes=0-5" });
    expect(part.body).toEqual(SCRIPT.subarray(0, 6));
  });

  it("the page for missing files is for browsers", async () => {
    const page = await get("/site/none", html);
    expect([page.status, String(page.body)]).toEqual([404, "<h1>no such page</h1>"]);
    expect(page.headers).toMatchObject({ "cache-control": "no-cache" });
    const range = await get("/site/none", { ...html, range: "bytes=0-1" });
    expect([range.status, range.body.length]).toEqual([404, page.body.length]);
  });

  it("a fallback answers browsers for pages that are not there", async () => {
    const page = await get("/spa/orders/17", html);
    expect([page.status, String(page.body)]).toEqual([200, "<h1>first page</h1>"]);
    expect((await get("/spa/assets/none.js", { accept: "*/*" })).status).toBe(404);
    expect((await get("/spa/../server.js", html)).body).toEqual(page.body);
    expect(await get("/spa/orders/17", html, "HEAD")).toMatchObject({
      status: 200,
      headers: { "content-length": String(page.body.length) },
    });
    expect((await get("/spa/orders/17", html, "POST")).status).toBe(405);
  });

  it("a site is sandboxed below a name of Lever, and not on its own", async () => {
    const shared = (await get("/site/")).headers;
    expect(shared["content-security-policy"]).toMatch(/^sandbox /);
    expect(shared["x-content-type-options"]).toBe("nosniff");
    const alone = await get("/", own);
    expect(String(alone.body)).toBe("<h1>first page</h1>");
    expect(alone.headers).not.toHaveProperty("content-security-policy");
  });

  it("pages of origins that the environment allows may read files", async () => {
    const { headers } = await get("/site/style.css", { origin: "null" });
    expect(headers["access-control-allow-origin"]).toBe("*");
  });

  it("other HTTP methods are for calls and programs", async () => {
    const put = await get("/site/index.html", {}, "PUT");
    expect([put.status, put.headers["allow"]]).toEqual([405, "GET, HEAD, OPTIONS"]);
    expect((await get("/site/index.html", {}, "OPTIONS")).status).toBe(204);
    expect((await get("/site/other", {}, "POST")).status).toBe(405);
    expect((await get("/site/hello", {}, "POST")).status).toBe(200);
  });

  it("a program gets the requests for which there is no file", async () => {
    expect(String((await get("/app/style.css")).body)).toBe("body{}");
    const before = gateway.calls.length;
    await get("/app/other?a=1");
    await get("/app/style.css", {}, "PUT");
    const paths = gateway.calls
      .slice(before)
      .map((call) => JSON.parse(call.slice(call.indexOf(" ")))[1]);
    expect(paths).toEqual(["http://127.0.0.1/other?a=1", "http://127.0.0.1/style.css"]);
  });
});

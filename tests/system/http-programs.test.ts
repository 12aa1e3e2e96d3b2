import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ClientOptions, WebSocket } from "ws";
import { instancesOf } from "../harness/admin.ts";
import { eventually } from "../harness/eventually.ts";
import { httpProgram } from "../harness/http-program.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { Caller } from "../harness/load.ts";
import { type Protocol, type SiteRequest, sendRequest } from "../harness/site-client.ts";
import { deployService, testService } from "../harness/test-service.ts";

const http = ["node", "server.mjs"];
const service = testService(
  { "server.mjs": httpProgram },
  { name: "web", http, httpReady: "/ready" },
);

describe.each([
  ["the host", 1],
  ["workers", 2],
])("through %s", (_by, workers) => {
  let lever: RunningLever;

  beforeAll(async () => {
    const limits = ["--limit", "deployDrainTimeoutMs=1"];
    lever = await startLever({ workers, args: limits });
    await deployService(lever, service);
  }, 60_000);

  afterAll(() => lever.stop());

  const text = async (request: SiteRequest): Promise<string> =>
    await (await sendRequest("HTTP/1.1", lever.address, request)).text();
  const connections = async (): Promise<number> => Number(await text({ path: "/web/connections" }));

  describe.each<[Protocol]>([["HTTP/1.1"], ["HTTP/2"]])("over %s", (protocol) => {
    const send = (path: string, request: Omit<SiteRequest, "path"> = {}) =>
      sendRequest(protocol, lever.address, { path: `/web${path}`, ...request });

    it.each<[string, string, Omit<SiteRequest, "path">, number, string]>([
      ["a page", "/", {}, 200, "<h1>Version 1</h1>"],
      ["a path that it does not have", "/none", {}, 404, "no /none"],
      ["an answer without a body", "/empty", {}, 204, ""],
      [
        "a body in chunks",
        "/echo",
        { method: "POST", body: (stream) => stream.end("abc") },
        200,
        "abc",
      ],
      [
        "a body of a known length",
        "/echo",
        { method: "PUT", body: "abc", headers: { "content-length": "3" } },
        200,
        "abc",
      ],
      [
        "an answer that ends with its connection",
        "/unsized",
        { headers: { connection: "close" } },
        200,
        "12345",
      ],
      ["an answer after early hints", "/hints", {}, 200, "after hints"],
      ["an answer with trailers", "/trailers", {}, 200, "with trailers"],
    ])("a program answers: %s", async (_what, path, request, status, expected) => {
      const answer = await send(path, request);
      expect(await answer.text()).toBe(expected);
      expect(answer.status).toBe(status);
    });

    it("a request has its path, and headers that Lever vouches for", async () => {
      const headers = {
        host: "dev.lever:8080",
        connection: "x-hop",
        "x-hop": "1",
        "lever-call": "forged",
        cookie: "a=1; b=2",
      };
      const { url, fields } = JSON.parse(await (await send("/head?a=1&b=%20", { headers })).text());
      expect(url).toBe("/head?a=1&b=%20");
      const found: Record<string, string> = {};
      for (let at = 0; at < fields.length; at += 2) found[fields[at]] = fields[at + 1];
      expect(found).toMatchObject({
        host: "dev.lever:8080",
        cookie: "a=1; b=2",
        "x-forwarded-host": "dev.lever:8080",
        "x-forwarded-prefix": "/web",
        "x-forwarded-proto": "http",
      });
      for (const name of ["lever-call", "connection", "transfer-encoding"]) {
        expect(found).not.toHaveProperty(name);
      }
      if (protocol === "HTTP/1.1") expect(found).not.toHaveProperty("x-hop");
    });

    it("a response has the headers of the program, except those of a connection", async () => {
      const { headers } = await send("/fields");
      expect(headers).toMatchObject({ "set-cookie": ["a=1", "b=2"], "x-own": "kept" });
      expect(headers["content-security-policy"]).toMatch(/^sandbox /);
      for (const name of ["x-hop", "lever-error", "trailer"]) {
        expect(headers).not.toHaveProperty(name);
      }
      expect(headers["keep-alive"]).not.toBe("timeout=9");
    });

    it("HEAD is answered without a body", async () => {
      const answer = await send("/sized", { method: "HEAD" });
      expect(answer).toMatchObject({ status: 200, headers: { "content-length": "5" } });
      expect(await answer.text()).toBe("");
    });

    it("an answer that is no HTTP is answered with 502", async () => {
      const answer = await send("/garbage");
      expect(answer.status).toBe(502);
      expect(JSON.parse(await answer.text())).toMatchObject({
        code: "instance_failed",
        detail: expect.stringContaining('it begins with "what is this"'),
      });
    });

    it("an answer that is shorter than its length breaks off", async () => {
      await expect((await send("/short")).read()).rejects.toThrow();
    });
  });

  it("requests share a few connections to the program", async () => {
    const before = await connections();
    for (let request = 0; request < 20; request++) await text({ path: "/web/" });
    expect((await connections()) - before).toBeLessThan(5);
  });

  const dial = (path: string, options: ClientOptions = {}): WebSocket => {
    const socket = new WebSocket(`ws://${lever.address}${path}`, options);
    socket.on("error", () => {});
    return socket;
  };
  const talk = async (socket: WebSocket, message: string): Promise<string> => {
    socket.send(message);
    const [answer] = await once(socket, "message");
    return String(answer);
  };

  it.each([
    ["below the name of its service", "/web/live", {}],
    ["at its own host name", "/live", { headers: { host: "web.dev.lever.localhost:8080" } }],
  ])(
    "a WebSocket %s passes messages, and the code of either side's close",
    async (_at, path, options) => {
      const socket = dial(path, options);
      await once(socket, "open");
      for (const message of ["one", "two"]) expect(await talk(socket, message)).toBe(message);
      socket.close(3001);
      expect((await once(socket, "close"))[0]).toBe(3001);
      const other = dial(path, options);
      await once(other, "open");
      other.send("bye");
      expect((await once(other, "close"))[0]).toBe(4321);
    },
  );

  it("a program that refuses a WebSocket answers as it does", async () => {
    const socket = dial("/web/refused");
    const [, answer] = await once(socket, "unexpected-response");
    expect(answer).toMatchObject({ statusCode: 403 });
    expect(answer.headers["lever-call"]).not.toBe("forged");
    expect(String(await once(answer, "data"))).toBe("no");
    socket.terminate();
  });

  it("a WebSocket whose program ends it without a word is closed with 1012", async () => {
    const socket = dial("/web/live");
    await once(socket, "open");
    socket.send("vanish");
    expect((await once(socket, "close"))[0]).toBe(1012);
  });

  it("requests and WebSockets of a resource reach its one instance", async () => {
    const fields = { name: "rooms", http, httpReady: "/ready", httpResource: "path:1" };
    const scaled = { ...fields, minInstances: 2, maxInstanceLoad: 1 };
    await deployService(lever, testService({ "server.mjs": httpProgram }, scaled));
    await eventually(async () => {
      const states = (await instancesOf(lever, "rooms")).map(({ state }) => state);
      return states.length === 2 && states.every((state) => state === "ready");
    });
    const instances = new Set<string>();
    const check = async (room: string): Promise<void> => {
      const socket = dial(`/rooms/${room}/live`);
      await once(socket, "open");
      const instance = await talk(socket, "where");
      instances.add(instance);
      const place = JSON.parse(await text({ path: `/rooms/${room}/place?a` }));
      expect(place).toEqual({ instance, resource: room, epoch: expect.stringMatching(/^\d+$/) });
      socket.terminate();
    };
    await Promise.all(["a", "b", "c", "d", "e%2Ff"].map(check));
    expect(instances.size).toBeGreaterThan(1);
    const refused = await sendRequest("HTTP/1.1", lever.address, { path: "/rooms/%zz/" });
    expect(refused.status).toBe(400);
  });

  it("deploys of a program and of a fetch fail no request, and let the program close its WebSockets", async () => {
    const code = "export const fetch = async (request) => new Response(await request.text());";
    const echo = testService({ "server.mjs": code }, { name: "echo", jsEntry: "server.mjs" });
    await deployService(lever, echo);
    const socket = dial("/web/live");
    await once(socket, "open");
    const closed = once(socket, "close");
    using kept = new Caller(lever.address);
    const failed: string[] = [];
    const seen = new Set<string>();
    let isOver = false;
    const askForPage = async (): Promise<void> => {
      const answer = await sendRequest("HTTP/1.1", lever.address, { path: "/web/" });
      const page = await answer.text();
      if (answer.status === 200) seen.add(page);
      else failed.push(page);
    };
    const askForEcho = async (path: string): Promise<void> => {
      const { status, text: body } = await kept.call(path, ["body"]);
      if (status !== 200 || body !== '["body"]') failed.push(`${status} ${body}`);
    };
    const callers = Array.from({ length: 32 }, async (_, index) => {
      while (!isOver) {
        if (index % 2 === 0) await askForPage();
        else await askForEcho(index % 4 === 1 ? "/web/echo" : "/echo/");
      }
    });
    let last = 0;
    for (let deploys = 0; deploys < 3; deploys++) {
      [{ version: last }] = await Promise.all([
        deployService(lever, service),
        deployService(lever, echo),
      ]);
    }
    await eventually(() => seen.has(`<h1>Version ${last}</h1>`));
    expect((await closed)[0]).toBe(1001);
    isOver = true;
    await Promise.all(callers);
    expect(failed).toEqual([]);
  });

  it("a program that exits fails its requests with its status, and is started again", async () => {
    const answer = await sendRequest("HTTP/1.1", lever.address, { path: "/web/exit" });
    expect(answer.status).toBe(502);
    expect(JSON.parse(await answer.text())).toMatchObject({
      code: "instance_failed",
      detail: expect.stringContaining("status 9"),
    });
    expect(await text({ path: "/web/" })).toMatch(/Version/);
  });

  it.each<[string, string, object, RegExp]>([
    [
      "exits",
      "process.exit(3)",
      {},
      /node exited with status 3 before it listened on 127\.0\.0\.1:\d+, the port in PORT/,
    ],
    [
      "is never ready",
      `let asked = 0;
      require("node:http").createServer((request, response) => {
        if (++asked === 3) process.exit(4);
        response.writeHead(503).end();
      }).listen(process.env.PORT);`,
      { httpReady: "/health" },
      /node exited with status 4 before GET \/health \(httpReady\) had a 2xx answer/,
    ],
  ])("a deploy of a program that %s fails with the reason", async (_what, code, fields, reason) => {
    const named = { name: "broken", http: ["node", "server.cjs"], ...fields };
    const broken = testService({ "server.cjs": code }, named);
    await expect(deployService(lever, broken)).rejects.toThrow(reason);
  });
});

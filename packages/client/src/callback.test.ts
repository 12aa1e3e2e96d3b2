import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Client } from "./client.ts";

const run = promisify(execFile);

let server: Server;
let client: Client;

beforeAll(async () => {
  server = createServer((request, response) => {
    const isOk = request.url?.endsWith("/greet") === true;
    response.setHeader("content-type", "application/json");
    if (!isOk) response.setHeader("lever-error", "method");
    response.writeHead(isOk ? 200 : 500).end(isOk ? '"Hello!"' : '"Too loud."');
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  client = new Client({ forceHost: `127.0.0.1:${(server.address() as AddressInfo).port}` });
});

afterAll(async () => {
  server.closeAllConnections();
  await once(server.close(), "close");
});

it("a call with a callback passes it the result and returns undefined", async () => {
  const outcome = await new Promise((resolve) => {
    const service = client.service("dev.lever", "hello");
    const returned = service.invoke("greet", "world", (...outcome) => resolve(outcome));
    expect(returned).toBeUndefined();
  });
  expect(outcome).toEqual([null, "Hello!"]);
});

it("a callback receives the error of a failed call", async () => {
  const [error, result] = await new Promise<unknown[]>((resolve) => {
    client.invokeURL("lever://dev.lever/hello/shout", (...outcome) => resolve(outcome));
  });
  expect(error).toMatchObject({ name: "LeverError", code: "method_failed", value: "Too loud." });
  expect(result).toBeUndefined();
});

it("a callback receives a refusal of the client after invoke has returned", async () => {
  let hasReturned = false;
  const outcome = await new Promise((resolve) => {
    client.invokeURL("not a url", (error) => resolve({ error, hasReturned }));
    hasReturned = true;
  });
  expect(outcome).toMatchObject({ error: { code: "malformed_request" }, hasReturned: true });
});

it.each(["greet", "shout"])(
  "an exception in a callback of %s is uncaught, and the callback runs once",
  async (method) => {
    // A separate process with a CommonJS program.
    const program = `
      const { Client } = require("leveros");
      let calls = 0;
      process.on("uncaughtException", (error) => console.log("uncaught", error.message));
      process.on("unhandledRejection", () => console.log("unhandled"));
      process.on("exit", () => console.log("calls", calls));
      const service = new Client({ forceHost: "${client.forceHost}" }).service("dev.lever", "hello");
      service.invoke("${method}", () => { calls++; throw new Error("mine"); });
    `;
    const args = ["--conditions=lever-source", "--input-type=commonjs", "--eval", program];
    const { stdout } = await run(process.execPath, args, { cwd: import.meta.dirname });
    expect(stdout).toBe("uncaught mine\ncalls 1\n");
  },
);

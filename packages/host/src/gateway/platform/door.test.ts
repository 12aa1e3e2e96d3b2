import { once } from "node:events";
import { connect } from "node:http2";
import { afterEach, beforeEach, expect, it } from "vitest";
import { answersOf } from "../../../../../tests/harness/raw-http.ts";
import { openTestGateway, type TestGateway } from "../../../../../tests/harness/test-gateway.ts";

let gateway: TestGateway;

beforeEach(async () => {
  gateway = await openTestGateway();
});

afterEach(() => gateway[Symbol.asyncDispose]());

/** The answer over HTTP/1.1. A field that the fast path does not read passes the request to Node's server. */
async function overHttp1(path: string, method: string, field = "x: y"): Promise<string> {
  const text = await gateway.raw(
    `${method} ${path} HTTP/1.1\r\nhost: anything:80\r\nconnection: close\r\n${field}\r\n\r\n`,
  );
  const [{ status, head, body } = { status: 0, head: "", body: "" }] = answersOf(text, [method]);
  const type = /^content-type: (.*)$/m.exec(head)?.[1]?.trim();
  return `${status} ${type} ${body}`;
}

async function overHttp2(path: string, method: string): Promise<string> {
  const session = connect(`http://127.0.0.1:${gateway.port}`);
  const stream = session.request({ ":method": method, ":path": path });
  let status = 0;
  let type: unknown;
  stream.on("response", (headers) => {
    status = headers[":status"] ?? 0;
    type = headers["content-type"];
  });
  let body = "";
  stream.setEncoding("utf8").on("data", (chunk: string) => {
    body += chunk;
  });
  await once(stream, "end");
  session.close();
  return `${status} ${type} ${body}`;
}

const doors: [string, (path: string, method: string) => Promise<string>][] = [
  ["the fast path", overHttp1],
  ["Node's server", (path, method) => overHttp1(path, method, "te: trailers")],
  ["HTTP/2", overHttp2],
];

it.each(doors)("%s answers whether the host works, and whether it takes calls", async (_, ask) => {
  const type = "text/plain; charset=utf-8";
  expect(await ask("/-/healthy", "GET")).toBe(`200 ${type} healthy\n`);
  expect(await ask("/-/ready?verbose", "GET")).toBe(`200 ${type} ready\n`);
  expect(await ask("/-/ready", "HEAD")).toBe(`200 ${type} `);
  gateway.readiness.change({ workersMissing: 1 });
  expect(await ask("/-/healthy", "GET")).toMatch(/^200 /);
  expect(await ask("/-/ready", "GET")).toMatch(
    /^503 application\/problem\+json .*Cannot take calls: 1 of its workers is not running\./,
  );
});

it.each([
  ["POST", "/-/ready"],
  ["GET", "/-/other"],
  ["GET", "/-/healthy/x"],
])("%s %s is a call like any other", async (method, path) => {
  expect(await overHttp1(path, method)).toMatch(/^4\d\d application\/problem\+json/);
});

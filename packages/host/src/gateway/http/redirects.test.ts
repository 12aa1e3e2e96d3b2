import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { sendRequest } from "../../../../../tests/harness/site-client.ts";
import { httpsAddress, openRedirects, type Redirects } from "./redirects.ts";

let acmeDir: string;
let redirects: Redirects;

beforeAll(async () => {
  acmeDir = mkdtempSync(join(tmpdir(), "lever-acme-"));
  writeFileSync(join(acmeDir, "token_1"), "the answer");
  redirects = await openRedirects({ bind: "127.0.0.1", port: 0, acmeDir }, 8443, () => {});
});

afterAll(() => {
  redirects.close();
  rmSync(acmeDir, { recursive: true });
});

const send = (path: string, host = "shop.example.com", method = "GET") =>
  sendRequest("HTTP/1.1", `127.0.0.1:${redirects.port}`, { method, path, headers: { host } });

it("a request is redirected to the same address with TLS", async () => {
  const answer = await send("/a/b?c=1", "shop.example.com:8080", "POST");
  expect([answer.status, answer.headers["location"]]).toEqual([
    308,
    "https://shop.example.com:8443/a/b?c=1",
  ]);
  expect(answer.headers["connection"]).toBe("close");
});

it("the challenge of a certificate authority is answered from the folder", async () => {
  const path = "/.well-known/acme-challenge";
  const answer = await send(`${path}/token_1`);
  expect([answer.status, await answer.text()]).toEqual([200, "the answer"]);
  expect((await send(`${path}/none`)).status).toBe(404);
  expect((await send(`${path}/..%2ftoken_1`)).status).toBe(308);
});

it.each([
  ["shop.example.com", "/a", 443, "https://shop.example.com/a"],
  ["[::1]", "/", 8443, "https://[::1]:8443/"],
  ["", "/a", 443, undefined],
  [undefined, "/a", 443, undefined],
  ["shop.example.com", "*", 443, undefined],
  ["shop.example.com", "http://a.example/", 443, undefined],
])("%s%s on port %i is at %s", (host, url, port, expected) => {
  expect(httpsAddress(host, url, port)).toBe(expected);
});

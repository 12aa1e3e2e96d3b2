import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serviceArchive } from "../harness/archive.ts";
import { launchBrowser, type PageServer, servePages } from "../harness/browser.ts";
import { grpcPeer } from "../harness/grpc-peer.ts";
import { deployArchive } from "../harness/http-call.ts";
import { startLever } from "../harness/lever.ts";
import { type RegularCase, regularCases, type StreamCase, streamCases } from "./cases.ts";
import { forms, proxy } from "./service.ts";
import { type Bench, pageTools, type Transport, transports } from "./transports.ts";

let bench: Bench;
let browser: Browser;
let pages: PageServer;

beforeAll(async () => {
  const lever = await startLever();
  const services: Record<string, Readonly<Record<string, string>>> = {
    proxy: { "server.cjs": proxy },
  };
  for (const [form, files] of Object.entries(forms)) services[`form-${form}`] = files;
  for (const [name, files] of Object.entries(services)) {
    const leverJson = JSON.stringify({ name, jsEntry: Object.keys(files)[0] });
    const answer = await deployArchive(
      lever.address,
      serviceArchive({ ...files, "lever.json": leverJson }),
    );
    expect(answer.status, answer.text).toBe(200);
  }
  pages = await servePages({
    "/": `<!doctype html><script type="module">
      import { Client } from "/leveros.js";
      ${pageTools}
      globalThis.client = new Client({ forceHost: "${lever.address}" });
    </script>`,
  });
  browser = await launchBrowser();
  const page = await browser.newPage();
  await page.goto(pages.origin);
  await page.waitForFunction(() => "client" in globalThis);
  bench = { lever, grpc: grpcPeer(lever.address), page };
}, 60_000);

afterAll(async () => {
  bench?.grpc.close();
  await browser?.close();
  await pages?.[Symbol.asyncDispose]();
  await bench?.lever.stop();
});

function testAll(transport: Transport, service: string): void {
  const { regular, stream, cannot } = transport;
  const carried = <Case extends RegularCase | StreamCase>(cases: readonly Case[]): Case[] =>
    cases.filter((of) => cannot?.(of) === undefined);
  if (regular !== undefined) {
    it.each(carried(regularCases))("$name", async (of) => {
      expect(await regular(bench, service, of)).toEqual(of.outcome);
    });
  }
  if (stream !== undefined) {
    it.each(carried(streamCases))("stream: $name", async (of) => {
      const { received, failure } = of;
      const expected = failure === undefined ? { received } : { received, failure };
      expect(await stream(bench, service, of)).toEqual(expected);
    });
  }
}

describe.each(transports)("$name", (transport) => testAll(transport, "form-cjs"));

const nodeClient = transports.find(({ name }) => name === "Node client");
describe.each(["esm", "ts"])("a service as %s", (form) => {
  if (nodeClient !== undefined) testAll(nodeClient, `form-${form}`);
});

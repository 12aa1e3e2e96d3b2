import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launchBrowser, type PageServer, servePages } from "../harness/browser.ts";
import { compareBytesAsWhole } from "../harness/compare-bytes.ts";
import { grpcPeer } from "../harness/grpc-peer.ts";
import { callMethod } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { isMet } from "../harness/requirements.ts";
import { deployService, testService } from "../harness/test-service.ts";
import { type RegularCase, regularCases, type StreamCase, streamCases } from "./cases.ts";
import { pageTools } from "./page.ts";
import { services } from "./service.ts";
import type { Bench } from "./transport.ts";
import { type Column, columns } from "./transports.ts";

/** For a gigabyte in the long run. */
const CASE_TIMEOUT_MS = 180_000;
/** By default grpc-js takes messages while 1 MB of them waits, and quadratic time to send many small ones. */
const UNBUFFERED = { "grpc.per_rpc_retry_buffer_size": 0 };
/** How much of an unexpected outcome a failure quotes. */
const OUTCOME_CHARS_MAX = 300;

compareBytesAsWhole();

let lever: RunningLever;
/** For the services that need a container. */
let containers: RunningLever | undefined;
let bench: Bench;
let browser: Browser | undefined;
let pages: PageServer | undefined;

beforeAll(async () => {
  lever = await startLever();
  if (isMet("needs-containers")) containers = await startLever({ isolation: "oci" });
  for (const [name, { leverJson, files, needs = [], inContainer }] of Object.entries(services)) {
    if (!needs.every(isMet)) continue;
    const host = hostOf(inContainer);
    await deployService(host, testService(files, { name, maxInstances: 1, ...leverJson }));
  }
  bench = { lever, grpc: grpcPeer(lever.address, { channel: UNBUFFERED }), page: undefined };
  if (!isMet("needs-chromium")) return;
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
  bench = { ...bench, page };
}, CASE_TIMEOUT_MS);

afterAll(async () => {
  bench?.grpc.close();
  await browser?.close();
  await pages?.[Symbol.asyncDispose]();
  await containers?.stop();
  await lever?.stop();
});

function hostOf(inContainer = false): RunningLever {
  return inContainer && containers !== undefined ? containers : lever;
}

/** The bench with the host of a service. */
function benchOf(service: string): Bench {
  return { ...bench, lever: hostOf(services[service]?.inContainer) };
}

/** A failure says how the call ended, and why instances of its service ended meanwhile. */
async function expectOutcome(
  service: string,
  expected: unknown,
  call: () => Promise<unknown>,
): Promise<void> {
  const host = hostOf(services[service]?.inContainer);
  const before = host.events().length;
  const outcome = await call();
  try {
    expect(outcome).toEqual(expected);
  } catch (cause) {
    const failures = host
      .events()
      .slice(before)
      .filter((event) => event.msg === "instance failed" && event["service"] === service)
      .map(({ instance, reason }) => ` The instance ${instance} failed: ${reason}`);
    const ended = JSON.stringify(outcome)?.slice(0, OUTCOME_CHARS_MAX);
    throw new Error(`The call ended with ${ended}.${failures.join("")}`, { cause });
  }
}

let calls = 0;

/** A call that its caller cancels has a name of its own. Afterwards the service says whether it was cancelled. */
async function testStream(column: Column, of: StreamCase): Promise<void> {
  const service = of.service ?? column.service;
  const id = `call ${calls++}`;
  const named = of.leavesAfter === undefined ? of : { ...of, args: [id] };
  const { received, failure, receivedForService } = named;
  const isInside = column.isService === true && receivedForService !== undefined;
  const expected = isInside
    ? { received: receivedForService }
    : { received, ...(failure !== undefined && { failure }) };
  await expectOutcome(service, expected, async () =>
    column.stream?.(benchOf(service), service, named),
  );
  if (of.leavesAfter === undefined) return;
  expect((await callMethod(benchOf(service).lever.address, `/${service}/hasLeft`, [id])).text).toBe(
    "true",
  );
}

for (const column of columns) {
  describe(column.name, { tags: column.tags ?? [] }, () => testColumn(column));
}

function testColumn(column: Column): void {
  const carried = <Case extends RegularCase | StreamCase>(cases: readonly Case[]): Case[] =>
    cases.filter((of) => column.cannot?.(of) === undefined);
  if (column.regular !== undefined) {
    it.each(carried(regularCases))(`${column.name}: $name`, async (of) => {
      const service = of.service ?? column.service;
      const isInside = column.isService === true && of.outcomeForService !== undefined;
      const expected = isInside ? of.outcomeForService : of.outcome;
      await expectOutcome(service, expected, async () =>
        column.regular?.(benchOf(service), service, of),
      );
    });
  }
  if (column.stream !== undefined) {
    it.each(carried(streamCases))(
      `${column.name}: stream: $name`,
      (of) => testStream(column, of),
      CASE_TIMEOUT_MS,
    );
  }
}

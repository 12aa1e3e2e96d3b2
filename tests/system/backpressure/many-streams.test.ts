import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import type { RemoteService, RemoteStream } from "leveros";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { launchBrowser, type PageServer, servePages } from "../../harness/browser.ts";
import { toRpc } from "../../harness/grpc-peer.ts";
import { Flow, GROWTH_MB_MAX, isLong, report, residentMb, TEST_TIMEOUT_MS } from "./flow.ts";

const STREAMS = isLong ? 1_000 : 500;
const BROWSER_STREAMS = isLong ? 1_000 : 100;
const CANCELLED_CALLS = isLong ? 100_000 : 2_000;
/** Chromium opens no more WebSockets than this for one profile. */
const SOCKETS_PER_PROFILE = 200;

let flow: Flow;

beforeAll(async () => {
  flow = await Flow.start();
});

afterAll(() => flow[Symbol.asyncDispose]());

describe(`${STREAMS} streams of one caller`, () => {
  let streams: RemoteStream[];
  let echoes: unknown[];
  let inFlight = 0;

  beforeAll(async () => {
    const before = residentMb(flow.lever.pid);
    streams = await Promise.all(
      Array.from({ length: STREAMS }, () =>
        flow.client.service("dev.lever", "flow").invokeChan("echoChan"),
      ),
    );
    echoes = await Promise.all(
      streams.map(async (stream, index) => {
        stream.write(index);
        return (await stream[Symbol.asyncIterator]().next()).value;
      }),
    );
    inFlight = await flow.callsInFlight();
    report(
      `${STREAMS} streams: the host grew by ${(residentMb(flow.lever.pid) - before).toFixed(0)} MB`,
    );
  });

  it(`one instance serves ${STREAMS} streams at once`, () => {
    expect(echoes).toEqual(streams.map((_, index) => index));
    expect(inFlight).toBe(STREAMS);
  });

  it("streams that are ended or cancelled leave no call behind", async () => {
    for (const [index, stream] of streams.entries()) {
      if (index % 2 === 0) stream.end();
      else stream.cancel();
    }
    await flow.untilIdle();
  });
});

describe(`${BROWSER_STREAMS} streams of pages`, { tags: ["needs-chromium"] }, () => {
  let browser: Browser;
  let pages: PageServer;
  const opened: { page: Page; echoes: unknown[]; count: number }[] = [];
  let inFlight = 0;

  beforeAll(async () => {
    pages = await servePages({
      "/": `<!doctype html><script type="module">
          import { Client } from "/leveros.js";
          globalThis.remote = new Client({ forceHost: "${flow.lever.address}" }).service("dev.lever", "flow");
        </script>`,
    });
    browser = await launchBrowser();
    const profiles = Math.ceil(BROWSER_STREAMS / SOCKETS_PER_PROFILE);
    const count = Math.min(SOCKETS_PER_PROFILE, BROWSER_STREAMS);
    for (let profile = 0; profile < profiles; profile++) {
      const page = await (await browser.newContext()).newPage();
      await page.goto(pages.origin);
      await page.waitForFunction(() => "remote" in globalThis);
      opened.push({ page, count, echoes: await page.evaluate(openInPage, count) });
    }
    inFlight = await flow.callsInFlight();
  }, TEST_TIMEOUT_MS);

  afterAll(async () => {
    await browser?.close();
    await pages?.[Symbol.asyncDispose]();
  });

  it(`pages have ${BROWSER_STREAMS} streams open at once`, () => {
    for (const { echoes, count } of opened) {
      expect(echoes).toEqual(Array.from({ length: count }, (_, index) => index));
    }
    expect(inFlight).toBe(BROWSER_STREAMS);
  });

  it("streams of pages that end them or close leave no call behind", async () => {
    // Every other page ends its streams first.
    for (const [index, { page }] of opened.entries()) {
      if (index % 2 === 0) await page.evaluate(endInPage);
      await page.close();
    }
    await flow.untilIdle();
  });
});

describe(`${CANCELLED_CALLS} cancelled calls over gRPC`, () => {
  const answers = new Set<unknown>();
  let grownMb = 0;

  beforeAll(async () => {
    const rounds = CANCELLED_CALLS / 200;
    // The heap reaches its size in the first half. A leak would go on growing.
    let before = 0;
    for (let round = 0; round < rounds; round++) {
      if (round === rounds / 2) before = residentMb(flow.lever.pid);
      const cancelled = Array.from({ length: 200 }, () => {
        const stream = flow.peer.stream("lever://dev.lever/flow/echoChan");
        stream.on("error", () => {});
        stream.write({ rpc: toRpc([]) });
        stream.resume();
        return new Promise<void>((resolve) => {
          stream.on("status", () => resolve());
          setImmediate(() => stream.cancel());
        });
      });
      answers.add(await flow.call("hi"));
      await Promise.all(cancelled);
    }
    await flow.untilIdle();
    grownMb = residentMb(flow.lever.pid) - before;
    report(
      `${CANCELLED_CALLS} cancelled calls: the host grew by ${grownMb.toFixed(0)} MB in the second half`,
    );
  }, TEST_TIMEOUT_MS);

  it("calls are answered while others are cancelled over gRPC", () => {
    expect(answers).toEqual(new Set(["hi"]));
  });

  it("cancelled calls over gRPC leak no memory", () => {
    expect(grownMb).toBeLessThan(GROWTH_MB_MAX);
  });
});

interface StreamsPage {
  remote: RemoteService;
  streams: RemoteStream[];
}

async function openInPage(count: number): Promise<unknown[]> {
  const page = globalThis as unknown as StreamsPage;
  const opening = Array.from({ length: count }, () => page.remote.invokeChan("echoChan"));
  page.streams = await Promise.all(opening);
  return await Promise.all(
    page.streams.map(async (stream, index) => {
      stream.write(index);
      const { value } = await stream[Symbol.asyncIterator]().next();
      return value as unknown;
    }),
  );
}

function endInPage(): void {
  for (const stream of (globalThis as unknown as StreamsPage).streams) stream.end();
}

describe("a hostile caller", () => {
  it("a WebSocket with a message over the limit is closed with 1009", async () => {
    const socket = new WebSocket(`ws://${flow.lever.address}/flow/echoChan?forceenv=dev.lever`);
    await once(socket, "open");
    socket.on("error", () => {});
    socket.send("[]");
    socket.send(Buffer.alloc(4 * 1024 * 1024 + 1));
    const [code] = (await once(socket, "close")) as [number];
    expect(code).toBe(1009);
    await flow.untilIdle();
  });

  it("half a gRPC message leaves no call behind", async () => {
    const session = connectHttp2(`http://${flow.lever.address}`);
    session.on("error", () => {});
    const stream = session.request({
      ":method": "POST",
      ":path": "/core.LeverRPC/HandleStreamingRPC",
      "content-type": "application/grpc",
      "lever-url": "lever://dev.lever/flow/echoChan",
    });
    stream.on("error", () => {});
    stream.write(Buffer.from([0, 0, 0, 1, 0, 10]));
    await once(session, "remoteSettings");
    session.destroy();
    expect(await flow.call("hi")).toBe("hi");
    await flow.untilIdle();
  });

  it("a connection with malformed HTTP/2 is closed", async () => {
    const [host = "", port = ""] = flow.lever.address.split(":");
    const socket = connect(Number(port), host);
    socket.on("error", () => {});
    socket.write(`PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${"\xff".repeat(1_000)}`);
    socket.resume();
    await once(socket, "close");
    expect(await flow.call("hi")).toBe("hi");
  });
});

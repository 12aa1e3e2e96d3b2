import { once } from "node:events";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { expect } from "vitest";
import { createWebSocketStream, type WebSocket } from "ws";
import { eventually } from "../harness/eventually.ts";
import type { Protocol, SiteAnswer, SiteRequest } from "../harness/site-client.ts";
import { CHUNK_BYTES, CHUNKS, isLong } from "./cases.ts";
import {
  flood,
  hashOfFlood,
  hashOfStream,
  settled,
  UNREAD_CHUNKS,
  WAITS_BELOW_BYTES,
} from "./flood.ts";
import type { Counts, RequestService } from "./request-services.ts";

/** A column of the table: a service, called by a protocol on one of the ways. */
export interface RequestColumn {
  readonly service: RequestService;
  readonly protocol: Protocol | "WebSocket";
}

/** What a row works with. */
export interface RequestBench extends RequestColumn {
  send(path: string, request?: Omit<SiteRequest, "path">): Promise<SiteAnswer>;
  /** Opens a WebSocket, with these headers besides its own. */
  dial(path: string): WebSocket;
  counts(): Promise<Counts>;
}

/** A row of the table. */
export interface RequestCase {
  readonly name: string;
  /** Default: all columns of its table. */
  readonly columns?: (column: RequestColumn) => boolean;
  run(bench: RequestBench): Promise<void>;
}

const overHttp1 = ({ protocol }: RequestColumn): boolean => protocol === "HTTP/1.1";

let names = 0;
/** A name of one request, under which its service counts. */
const newName = (): string => `request-${names++}`;

/** Sends a flood as fast as the other side takes it. */
const upload =
  (chunks: number, onChunk?: () => void) =>
  (stream: NodeJS.WritableStream): void => {
    // The other side may close the stream.
    pipeline(Readable.from(flood(chunks, onChunk)), stream).catch(() => {});
  };

/** Waits until the service has counted one more than before. */
async function counted(
  { counts }: RequestBench,
  what: "waiting" | "left" | "broken",
  act: () => Promise<void>,
): Promise<void> {
  const before = (await counts())[what];
  await act();
  await eventually(async () => (await counts())[what] === before + 1, { everyMs: 20 });
}

/** Begins a request whose answer may never come. Returns what breaks it off. */
function begin(
  { send }: RequestBench,
  path: string,
  { method = "GET", first = "" }: { method?: string; first?: string } = {},
): () => void {
  let leave = (): void => {};
  const body = (stream: NodeJS.WritableStream & { destroy?: () => void }): void => {
    if (first === "") stream.end();
    else stream.write(first);
    leave = () => stream.destroy?.();
  };
  send(path, { method, body }).catch(() => {});
  return () => leave();
}

const H2C = {
  connection: "Upgrade, HTTP2-Settings",
  upgrade: "h2c",
  "http2-settings": "AAMAAABkAARAAAAAAAIAAAAA",
};

/** Rows of the protocols of requests. */
export const requestCases: readonly RequestCase[] = [
  {
    name: "an upload arrives as it was sent",
    async run({ send }) {
      const answer = await send("/hash", { method: "POST", body: upload(CHUNKS) });
      expect(await answer.text()).toBe(hashOfFlood(CHUNKS));
    },
  },
  {
    name: "a download arrives as it was sent",
    async run({ send }) {
      const { stream } = await send(`/flood?name=${newName()}&chunks=${CHUNKS}`);
      expect(await hashOfStream(stream)).toBe(hashOfFlood(CHUNKS));
    },
  },
  {
    name: "an answer waits for its reader, and is complete afterwards",
    async run({ send, counts }) {
      const name = newName();
      const answer = await send(`/flood?name=${name}&chunks=${UNREAD_CHUNKS}`);
      const sent = await settled(async () => (await counts()).sent[name] ?? 0);
      expect(sent).toBeLessThan(WAITS_BELOW_BYTES);
      // To read the rest takes seconds.
      if (isLong) expect(await hashOfStream(answer.stream)).toBe(hashOfFlood(UNREAD_CHUNKS));
      answer.leave();
    },
  },
  {
    name: "an upload waits for a service that reads it later",
    async run({ send }) {
      const name = newName();
      let chunks = 0;
      let leave = (): void => {};
      const body = (stream: NodeJS.WritableStream & { destroy?: () => void }): void => {
        upload(UNREAD_CHUNKS, () => chunks++)(stream);
        leave = () => stream.destroy?.();
      };
      const answering = send(`/deaf?name=${name}`, { method: "POST", body });
      answering.catch(() => {});
      expect((await settled(() => chunks)) * CHUNK_BYTES).toBeLessThan(WAITS_BELOW_BYTES);
      if (isLong) {
        await (await send(`/wake?name=${name}`)).read();
        expect(await (await answering).text()).toBe(hashOfFlood(UNREAD_CHUNKS));
      } else leave();
    },
  },
  {
    name: "request and answer flow at once, part by part",
    async run({ send }) {
      let sending: NodeJS.WritableStream | undefined;
      const body = (stream: NodeJS.WritableStream): void => {
        sending = stream;
        stream.write("part 0");
      };
      const { stream } = await send("/echo", { method: "POST", body });
      const parts = stream[Symbol.asyncIterator]();
      for (let part = 0; part < 5; part++) {
        expect(String((await parts.next()).value)).toBe(`part ${part}`);
        sending?.write(`part ${part + 1}`);
      }
      sending?.end();
      expect(String((await parts.next()).value)).toBe("part 5");
      expect((await parts.next()).done).toBe(true);
    },
  },
  {
    name: "an answer is complete before its request is",
    async run({ send }) {
      const body = (stream: NodeJS.WritableStream): void => void stream.write("a part");
      const answer = await send("/early", { method: "POST", body });
      expect(answer.status).toBe(403);
      expect(await answer.text()).toBe("no");
      answer.leave();
    },
  },
  {
    name: "an early answer reaches a caller that goes on sending",
    async run({ send }) {
      const answer = await send("/early", { method: "POST", body: upload(UNREAD_CHUNKS) });
      expect(answer.status).toBe(403);
      expect(await answer.text()).toBe("no");
      answer.leave();
    },
  },
  {
    name: "the answer of a program that closes its connection within an upload reaches the caller",
    columns: ({ service }) => service === "program",
    async run({ send }) {
      for (let uploads = 0; uploads < 4; uploads++) {
        const answer = await send("/refuse", { method: "POST", body: upload(UNREAD_CHUNKS) });
        expect([answer.status, await answer.text()]).toEqual([413, "no"]);
        answer.leave();
      }
    },
  },
  {
    name: "a caller that leaves its answer is noticed",
    async run(bench) {
      await counted(bench, "left", async () => {
        const answer = await bench.send("/wait");
        expect(String(await once(answer.stream, "data"))).toBe("begun");
        answer.leave();
      });
    },
  },
  {
    name: "a caller that leaves before its answer is noticed",
    async run(bench) {
      let leave = (): void => {};
      await counted(bench, "left", async () => {
        await counted(bench, "waiting", async () => {
          leave = begin(bench, "/silent");
        });
        leave();
      });
    },
  },
  {
    name: "an upload that its caller breaks off is no complete one",
    async run(bench) {
      let leave = (): void => {};
      await counted(bench, "broken", async () => {
        await counted(bench, "waiting", async () => {
          leave = begin(bench, "/hash", { method: "POST", first: "a part" });
        });
        leave();
      });
    },
  },
  {
    name: "an answer that its service breaks off is no complete one",
    async run({ send }) {
      await expect((await send("/breaks")).read()).rejects.toThrow();
    },
  },
  {
    name: "an upgrade to h2c is ignored, with any method",
    columns: overHttp1,
    async run({ send }) {
      for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
        const body = method === "GET" ? "" : "abc";
        const answer = await send("/head", { method, headers: H2C, body });
        expect(answer.status).toBe(200);
        const { names: found, ...head } = JSON.parse(await answer.text());
        expect(head).toEqual({ method });
        for (const name of Object.keys(H2C)) expect(found).not.toContain(name);
      }
      const echo = await send("/echo", { method: "PUT", headers: H2C, body: "abc" });
      expect(await echo.text()).toBe("abc");
      expect((await send("/head", { method: "HEAD", headers: H2C })).status).toBe(200);
    },
  },
  {
    name: "a WebSocket's request is answered as one without an upgrade",
    columns: (column) => overHttp1(column) && column.service === "fetch",
    async run({ dial }) {
      const socket = dial("/head");
      const [, answer] = await once(socket, "unexpected-response");
      expect(answer.statusCode).toBe(200);
      const { names: found } = JSON.parse(String(await once(answer, "data")));
      expect(found).not.toContain("upgrade");
      socket.terminate();
    },
  },
];

async function opened(socket: WebSocket): Promise<WebSocket> {
  await once(socket, "open");
  return socket;
}

const messageOf = async (socket: WebSocket): Promise<unknown> => (await once(socket, "message"))[0];

/** Sends a flood as fast as the other side takes it, and then a text. */
async function sendFlood(
  socket: WebSocket,
  chunks: number,
  onChunk: () => void = () => {},
): Promise<void> {
  for (const part of flood(chunks, onChunk)) {
    await new Promise((resolve) => socket.send(part, resolve));
  }
  socket.send("end");
}

/** Rows of WebSockets. */
export const socketCases: readonly RequestCase[] = [
  {
    name: "messages pass as they are in both directions",
    async run({ dial }) {
      const socket = await opened(dial("/echo"));
      for (const message of ["", "text", Buffer.alloc(200_000, "bytes"), Buffer.alloc(0)]) {
        socket.send(message);
        expect(String(await messageOf(socket))).toBe(String(message));
      }
      socket.terminate();
    },
  },
  {
    name: "an upload arrives as it was sent",
    async run({ dial }) {
      const socket = await opened(dial("/hash"));
      const answer = messageOf(socket);
      await sendFlood(socket, CHUNKS);
      expect(String(await answer)).toBe(hashOfFlood(CHUNKS));
      socket.terminate();
    },
  },
  {
    name: "a download arrives as it was sent",
    async run({ dial }) {
      const stream = createWebSocketStream(dial(`/flood?name=${newName()}&chunks=${CHUNKS}`));
      expect(await hashOfStream(stream)).toBe(hashOfFlood(CHUNKS));
    },
  },
  {
    name: "a program waits for a caller that reads later",
    async run({ dial, counts }) {
      const name = newName();
      const socket = dial(`/flood?name=${name}&chunks=${UNREAD_CHUNKS}`);
      const stream = createWebSocketStream(socket);
      stream.on("error", () => {});
      await eventually(async () => (await counts()).sent[name] !== undefined);
      const sent = await settled(async () => (await counts()).sent[name] ?? 0);
      expect(sent).toBeLessThan(WAITS_BELOW_BYTES);
      if (isLong) expect(await hashOfStream(stream)).toBe(hashOfFlood(UNREAD_CHUNKS));
      socket.terminate();
    },
  },
  {
    name: "a caller waits for a program that reads later",
    async run({ dial, send }) {
      const name = newName();
      const socket = await opened(dial(`/deaf?name=${name}`));
      let chunks = 0;
      const sending = sendFlood(socket, UNREAD_CHUNKS, () => chunks++);
      sending.catch(() => {});
      expect((await settled(() => chunks)) * CHUNK_BYTES).toBeLessThan(WAITS_BELOW_BYTES);
      if (isLong) {
        const answer = messageOf(socket);
        await (await send(`/wake?name=${name}`)).read();
        await sending;
        expect(String(await answer)).toBe(hashOfFlood(UNREAD_CHUNKS));
      }
      socket.terminate();
    },
  },
  {
    name: "the code of either side's close reaches the other one",
    async run({ dial }) {
      const closed = await opened(dial("/echo"));
      closed.close(3001);
      expect((await once(closed, "close"))[0]).toBe(3001);
      const closing = await opened(dial("/echo"));
      closing.send("bye");
      expect((await once(closing, "close"))[0]).toBe(4321);
    },
  },
  {
    name: "a caller that leaves is noticed",
    async run(bench) {
      const socket = await opened(bench.dial("/echo"));
      await counted(bench, "left", async () => socket.terminate());
    },
  },
];

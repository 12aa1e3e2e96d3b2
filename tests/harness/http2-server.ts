import { once } from "node:events";
import type { IncomingHttpHeaders } from "node:http2";
import { type AddressInfo, createServer } from "node:net";
import { ServerConnection, type ServerStream } from "@leveros/runtime/http2";
import {
  dataFrame,
  encodeHttp2,
  type Frame,
  headersFrame,
  rawFrame,
  splitFrames,
} from "../fuzz/targets/http2-frames.ts";
import { RawConnection } from "./raw-http.ts";

const HEADER_BYTES_MAX = 16_384;

type Headers = IncomingHttpHeaders | "too long";

/** A server with Lever's HTTP/2, without anything else of Lever. */
export interface Http2Server extends AsyncDisposable {
  readonly port: number;
  /** The last connection. */
  readonly connection: ServerConnection<Headers> | undefined;
  /** Its requests: what is not answered by `answer`. */
  readonly streams: ServerStream[];
  /** A client that writes frames as they are. */
  open(): RawHttp2Client;
}

/** `answer`: serves each stream. */
export async function openHttp2Server(
  answer: (stream: ServerStream, headers: Headers) => void,
  now: () => number = Date.now,
): Promise<Http2Server> {
  const streams: ServerStream[] = [];
  let connection: ServerConnection<Headers> | undefined;
  const server = createServer({ noDelay: true }, (socket) => {
    connection = new ServerConnection<Headers>(socket, {
      headerBytesMax: HEADER_BYTES_MAX,
      readHead: ({ headers, isTooLong }) => (isTooLong ? "too long" : headers),
      onStream: (stream, headers) => {
        streams.push(stream);
        answer(stream, headers);
      },
      onIdle() {},
      date: () => new Uint8Array(0),
      now,
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const clients: RawHttp2Client[] = [];
  return {
    port,
    streams,
    get connection() {
      return connection;
    },
    open() {
      const client = new RawHttp2Client(port);
      clients.push(client);
      return client;
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.socket.destroy();
      connection?.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** A client of HTTP/2 that sends any bytes, and keeps every frame that it gets. */
export class RawHttp2Client extends RawConnection {
  /** Sends parts (`http2-frames.ts`), before the first of them the preface and empty settings. */
  begin(...parts: readonly Buffer[]): void {
    this.send(encodeHttp2([rawFrame(4, 0, 0, Buffer.alloc(0)), ...parts]));
  }

  more(...parts: readonly Buffer[]): void {
    this.send(encodeHttp2(parts).subarray(encodeHttp2([]).length));
  }

  get frames(): Frame[] {
    return splitFrames(Buffer.from(this.received, "latin1"));
  }

  /** The first frame that fits. @throws Error when the connection closes without it. */
  async frame(fits: (frame: Frame) => boolean): Promise<Frame> {
    for (;;) {
      const found = this.frames.find(fits);
      if (found !== undefined) return found;
      if (this.socket.closed) {
        throw new Error(`It closed after ${JSON.stringify(this.frames.map(({ type }) => type))}.`);
      }
      await new Promise<void>((resolve) => {
        this.socket.once("data", () => resolve());
        this.socket.once("close", () => resolve());
      });
    }
  }
}

export const get = (id: number, more: Readonly<Record<string, string>> = {}): Buffer =>
  headersFrame(id, { ...target("GET"), ...more }, true);

export const post = (id: number, more: Readonly<Record<string, string>> = {}): Buffer =>
  headersFrame(id, { ...target("POST"), ...more });

export const data = (id: number, text: string, isLast = false): Buffer =>
  dataFrame(id, Buffer.from(text), isLast);

function target(method: string): Record<string, string> {
  return { ":method": method, ":scheme": "http", ":authority": "a", ":path": "/" };
}

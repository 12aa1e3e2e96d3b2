import { once } from "node:events";
import { Client } from "leveros";
import { WebSocket } from "ws";
import { fromJsonMessage, grpcPeer, toJsonMessage } from "../tests/harness/grpc-peer.ts";

/** A conversation with something that sends back what it gets. */
export interface Echo {
  send(message: unknown): void;
  /** Gets each message that comes back. */
  onMessage: (message: unknown) => void;
  close(): void;
}

/** Messages that are on their way at once: the same for all, and within everyone's windows. */
const ON_THEIR_WAY = 64;
const STALLED_MS = 20_000;

/** Messages that came back in each second. @throws Error when what comes back is not what was sent. */
export async function measureEcho(echo: Echo, message: unknown, seconds: number): Promise<number> {
  let received = 0;
  let onTheirWay = 0;
  const size = sizeOf(message);
  const isEmpty = Promise.withResolvers<void>();
  const startedAt = performance.now();
  let lastAt = startedAt;
  const send = (): void => {
    onTheirWay++;
    echo.send(message);
  };
  echo.onMessage = (returned) => {
    received++;
    onTheirWay--;
    lastAt = performance.now();
    if (sizeOf(returned) !== size) isEmpty.reject(new Error(`Cannot measure: got ${returned}`));
    if (lastAt < startedAt + seconds * 1_000) send();
    else if (onTheirWay === 0) isEmpty.resolve();
  };
  const timer = setTimeout(
    () => isEmpty.reject(new Error(`Cannot measure: ${onTheirWay} messages do not come back.`)),
    seconds * 1_000 + STALLED_MS,
  );
  for (let i = 0; i < ON_THEIR_WAY; i++) send();
  await isEmpty.promise.finally(() => clearTimeout(timer));
  return (received * 1_000) / (lastAt - startedAt);
}

/** Bytes of a message, as JSON unless it is bytes. */
export const sizeOf = (message: unknown): number =>
  message instanceof Uint8Array ? message.length : Buffer.byteLength(JSON.stringify(message));

/** The client `leveros`, to a service whose `echoChan` sends back. */
export async function leverEcho(address: string): Promise<Echo> {
  const client = new Client({ forceHost: address });
  const stream = await client.service("dev.lever", "work").invokeChan("echoChan");
  const echo: Echo = {
    send: (message) => stream.write(message),
    onMessage: () => {},
    close: () => stream.end(),
  };
  stream.on("data", (message) => echo.onMessage(message));
  return echo;
}

/** The client of grpc-js, to Lever or to a server that speaks the same. */
export async function grpcEcho(address: string): Promise<Echo> {
  const peer = grpcPeer(address);
  const stream = peer.stream("lever://dev.lever/work/echoChan");
  const echo: Echo = {
    send: (message) =>
      stream.write(
        message instanceof Uint8Array
          ? { byte_message: message }
          : { message: toJsonMessage(message) },
      ),
    onMessage: () => {},
    close: () => {
      stream.end();
      peer.close();
    },
  };
  stream.on("error", () => {});
  stream.write({ rpc: { args: {} } });
  await once(stream, "data");
  stream.on("data", (message: Record<string, unknown>) =>
    echo.onMessage(message["byte_message"] ?? fromJsonMessage(message["message"])),
  );
  return echo;
}

/** The client of `ws`, to Lever or to a plain server. The first message is the arguments, where there are any. */
export async function webSocketEcho(url: string, args?: readonly unknown[]): Promise<Echo> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await once(socket, "open");
  if (args !== undefined) socket.send(JSON.stringify(args));
  const echo: Echo = {
    send: (message) =>
      socket.send(message instanceof Uint8Array ? message : JSON.stringify(message)),
    onMessage: () => {},
    close: () => socket.terminate(),
  };
  socket.on("message", (data: Buffer, isBinary) =>
    echo.onMessage(isBinary ? data : JSON.parse(data.toString())),
  );
  return echo;
}

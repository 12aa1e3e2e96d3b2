import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

/** A complete request that a fake host has received. */
interface ReceivedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
  /** The client's port: the same for all requests of one connection. */
  readonly clientPort: number | undefined;
}

export interface FakeHost extends AsyncDisposable {
  /** `127.0.0.1:port` */
  readonly address: string;
  readonly port: number;
  /** In the order in which they were complete. */
  readonly requests: readonly ReceivedRequest[];
}

/** Answers a request, which is complete. */
export type Answer = (response: ServerResponse, request: ReceivedRequest) => void;

/** An HTTP server in place of a Lever host. It responds as the test says. */
export async function startFakeHost(
  answer: Answer,
  server: Server = createServer(),
  bind = "127.0.0.1",
): Promise<FakeHost> {
  const requests: ReceivedRequest[] = [];
  const onRequest = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await buffer(request);
    const { method = "", url = "", headers, socket } = request;
    const received = { method, url, headers, body, clientPort: socket.remotePort };
    requests.push(received);
    answer(response, received);
  };
  return await serve(server, { requests, onRequest, bind });
}

/** A host that answers as soon as it sees a request, and closes without reading the rest of it. */
export async function startHastyHost(
  answer: (response: ServerResponse) => void,
): Promise<FakeHost> {
  const onRequest = async (_: IncomingMessage, response: ServerResponse): Promise<void> => {
    response.setHeader("connection", "close");
    answer(response);
  };
  return await serve(createServer(), { requests: [], onRequest, bind: "127.0.0.1" });
}

async function serve(
  server: Server,
  {
    requests,
    onRequest,
    bind,
  }: {
    readonly requests: readonly ReceivedRequest[];
    readonly onRequest: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
    readonly bind: string;
  },
): Promise<FakeHost> {
  server.on("request", (request, response) => {
    // A request that breaks off gets no response.
    onRequest(request, response).catch(() => response.destroy());
  });
  server.listen(0, bind);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    address: `${bind}:${port}`,
    port,
    requests,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

/** Answers with a value as a regular method's result. */
export function answerJson(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify(value));
}

/** Answers with a value that a method failed with. */
export function answerMethodError(response: ServerResponse, value: unknown): void {
  response.writeHead(500, { "content-type": "application/json", "lever-error": "method" });
  response.end(JSON.stringify(value));
}

/** Answers with Lever's own refusal. */
export function answerProblem(response: ServerResponse, status: number, problem: object): void {
  response.writeHead(status, {
    "content-type": "application/problem+json",
    "lever-error": "platform",
  });
  response.end(JSON.stringify(problem));
}

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A request that a fake host has received, whole. */
interface ReceivedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

export interface FakeHost extends AsyncDisposable {
  /** `127.0.0.1:port` */
  readonly address: string;
  /** In the order in which they were complete. */
  readonly requests: readonly ReceivedRequest[];
}

/** Answers a request; `request` has been read already. */
export type Answer = (response: ServerResponse, request: ReceivedRequest) => void;

/** Something that speaks HTTP where a Lever host would be, and answers as a test wants. */
export async function startFakeHost(answer: Answer): Promise<FakeHost> {
  const requests: ReceivedRequest[] = [];
  return await serve(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const { method = "", url = "", headers } = request;
    const received = { method, url, headers, body: Buffer.concat(chunks) };
    requests.push(received);
    answer(response, received);
  }, requests);
}

/** A host that answers as soon as it sees a request, and closes without reading the rest of it. */
export async function startHastyHost(
  answer: (response: ServerResponse) => void,
): Promise<FakeHost> {
  return await serve(async (_request, response) => {
    response.setHeader("connection", "close");
    answer(response);
  }, []);
}

async function serve(
  take: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
  requests: readonly ReceivedRequest[],
): Promise<FakeHost> {
  const server = createServer((request, response) => {
    // A request that breaks off has no one to answer.
    take(request, response).catch(() => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
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

import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { connect } from "node:http2";
import type { Duplex, Readable } from "node:stream";

export interface SiteRequest {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: none. A function writes it, and ends it. */
  readonly body?: string | Buffer | ((stream: NodeJS.WritableStream) => void);
}

export interface SiteAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Its body, which nothing has read yet. */
  readonly stream: Readable;
  /** Reads the rest of the body. @throws when it ends early. */
  read(): Promise<Buffer>;
  text(): Promise<string>;
  /** Leaves without reading the rest. */
  leave(): void;
}

export type Protocol = "HTTP/1.1" | "HTTP/2";

/** Sends a request by one of the protocols, and resolves with the head of the answer. */
export async function sendRequest(
  protocol: Protocol,
  address: string,
  request: SiteRequest,
): Promise<SiteAnswer> {
  return protocol === "HTTP/1.1"
    ? await sendHttp1(address, request)
    : await sendHttp2(address, request);
}

async function sendHttp1(address: string, request: SiteRequest): Promise<SiteAnswer> {
  const { method = "GET", path, headers = {}, body } = request;
  const [host, port] = address.split(":");
  const sent = httpRequest({ host, port, method, path, headers: { ...headers }, agent: false });
  sent.on("error", () => {});
  write(sent, body);
  const [answer] = await once(sent, "response");
  return answerOf(answer.statusCode, answer.headers, answer, () => sent.destroy());
}

async function sendHttp2(address: string, request: SiteRequest): Promise<SiteAnswer> {
  const { method = "GET", path, headers = {}, body } = request;
  const session = connect(`http://${address}`);
  session.on("error", () => {});
  const { host, connection, ...others } = headers;
  const stream = session.request({
    ":method": method,
    ":path": path,
    ...(host !== undefined && { ":authority": host }),
    ...others,
  });
  stream.on("close", () => session.close());
  write(stream, body);
  const [answered] = await once(stream, "response");
  return answerOf(answered[":status"], answered, stream, () => session.destroy());
}

function write(stream: NodeJS.WritableStream | Duplex, body: SiteRequest["body"]): void {
  if (typeof body === "function") body(stream);
  else if (body === undefined) stream.end();
  else stream.end(body);
}

function answerOf(
  status: number,
  headers: SiteAnswer["headers"],
  stream: Readable,
  leave: () => void,
): SiteAnswer {
  stream.on("error", () => {});
  const read = async (): Promise<Buffer> => {
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    if (stream.readableAborted) throw new Error("The answer ended early.");
    return Buffer.concat(chunks);
  };
  return { status, headers, stream, read, text: async () => String(await read()), leave };
}

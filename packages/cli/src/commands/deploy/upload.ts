import { once } from "node:events";
import * as http from "node:http";
import * as https from "node:https";
import { setImmediate } from "node:timers/promises";
import { LeverError } from "@leveros/protocol";
import { CommandError } from "../../exit-status.ts";

/** An HTTP answer, whole. */
export interface UploadAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface UploadOptions {
  readonly hostUrl: URL;
  /** What lets it in; undefined = nothing. */
  readonly token: string | undefined;
  /** Environment of the admin service. */
  readonly adminEnvironment: string;
  /** Environment to deploy into. */
  readonly environment: string;
  /** Begins the archive anew. */
  archive(): AsyncIterable<Buffer>;
  /** Hears how many bytes of the archive have been sent so far. */
  onSent(bytes: number): void;
  /** The archive is sent; what follows is the host's part. */
  onAllSent(): void;
}

/** What one message of the stream may hold (SPEC "Admin service and deploy"). */
const MESSAGE_BYTES_MAX = 32 * 1024;
/** A report is a few kilobytes; a service may have failed with much output. */
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;

/**
 * A host that answers early, and closes, may do so in the very moment of a write; the answer is then lost with the
 * connection. Nothing has been deployed, for the archive was not whole: the upload may be tried again.
 */
const ATTEMPTS_MAX = 10;

/** What became of one attempt. */
type Attempt =
  | { readonly kind: "answered"; readonly answer: UploadAnswer }
  | { readonly kind: "broken"; readonly cause: unknown; readonly isWhole: boolean };

/**
 * Sends an archive to the admin service while it is being made, never faster than the host takes it. When the host
 * answers before it has everything, the rest is not sent.
 * @throws LeverError `unreachable`, or whatever the archive throws; the host then drops what it has.
 */
export async function uploadArchive(options: UploadOptions): Promise<UploadAnswer> {
  for (let attempt = 1; ; attempt++) {
    const outcome = await tryUpload(options);
    if (outcome.kind === "answered") return outcome.answer;
    const mayTryAgain = !outcome.isWhole && isBroken(outcome.cause) && attempt < ATTEMPTS_MAX;
    if (!mayTryAgain) throw unreachable(outcome.cause, options.hostUrl);
  }
}

async function tryUpload(options: UploadOptions): Promise<Attempt> {
  const request = openRequest(options);
  let hasResponse = false;
  const responded = once(request, "response").then(([response]: http.IncomingMessage[]) => {
    hasResponse = true;
    return response;
  });
  // Heard of below, where it is waited for.
  responded.catch(() => {});
  // After the answer the connection may break as it likes.
  request.on("error", () => {});
  let isWhole = false;
  let sentBytes = 0;
  try {
    request.write(`${JSON.stringify([options.environment, { report: true }])}\n`);
    for await (const message of messagesOf(options.archive())) {
      // An answer that is already here is read before a write could find the connection closed.
      await setImmediate();
      if (hasResponse) break;
      const hasRoom = request.write(message);
      sentBytes += message.length;
      options.onSent(sentBytes);
      if (!hasRoom) await Promise.race([once(request, "drain"), responded]);
    }
    if (!hasResponse) {
      isWhole = true;
      request.end();
      options.onAllSent();
    }
    return { kind: "answered", answer: await readAnswer(await responded) };
  } catch (cause) {
    if (cause instanceof CommandError || cause instanceof LeverError) throw cause;
    return { kind: "broken", cause, isWhole };
  } finally {
    request.destroy();
  }
}

function isBroken(cause: unknown): boolean {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  return code === "EPIPE" || code === "ECONNRESET";
}

function openRequest({ hostUrl, token, adminEnvironment }: UploadOptions): http.ClientRequest {
  const url = new URL("/admin/deployServiceChan", hostUrl);
  url.searchParams.set("forceenv", adminEnvironment);
  const { request } = hostUrl.protocol === "https:" ? https : http;
  return request(url, {
    method: "POST",
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      "content-type": "application/octet-stream",
    },
    agent: false,
  });
}

async function* messagesOf(archive: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const chunk of archive) {
    for (let start = 0; start < chunk.length; start += MESSAGE_BYTES_MAX) {
      yield chunk.subarray(start, start + MESSAGE_BYTES_MAX);
    }
  }
}

async function readAnswer(response: http.IncomingMessage | undefined): Promise<UploadAnswer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of (response ?? []) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) {
      throw new LeverError(
        "too_large",
        `Cannot read the answer: it is over ${ANSWER_BYTES_MAX} bytes.`,
      );
    }
    chunks.push(chunk);
  }
  return {
    status: response?.statusCode ?? 0,
    headers: response?.headers ?? {},
    body: Buffer.concat(chunks, bytes),
  };
}

function unreachable(cause: unknown, { host }: URL): LeverError {
  // A name with several addresses fails with the errors of all of them.
  const first: unknown = cause instanceof AggregateError ? cause.errors[0] : cause;
  const error: NodeJS.ErrnoException = first instanceof Error ? first : new Error(String(first));
  const code = error.code ?? error.message;
  const reason =
    error.syscall === "connect"
      ? `nothing answers there (${code})`
      : error.syscall === "getaddrinfo"
        ? `there is no host of that name (${code})`
        : error.syscall === undefined && /CERT|UNABLE_TO_VERIFY/.test(code)
          ? `its certificate is not trusted (${code}); a private authority's is with NODE_EXTRA_CA_CERTS=<file>`
          : `the connection broke in the middle of the upload (${code})`;
  return new LeverError("unreachable", `Cannot deploy to ${host}: ${reason}.`, { cause });
}

import { once } from "node:events";
import * as http from "node:http";
import * as https from "node:https";
import { setImmediate } from "node:timers/promises";
import { type KeptFiles, LeverError } from "@leveros/protocol";
import { CommandError } from "../../exit-status.ts";
import type { GrowingArchive } from "./growing-archive.ts";
import { uploadFailed } from "./upload-failed.ts";

/** A complete HTTP answer. */
export interface UploadAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface UploadOptions {
  readonly hostUrl: URL;
  /** undefined = without a token. */
  readonly token: string | undefined;
  /** The environment of the admin service. */
  readonly adminEnvironment: string;
  /** The environment to deploy into. */
  readonly environment: string;
  /** It may still be growing. */
  readonly archive: GrowingArchive;
  /** Files that are missing in it; undefined = none. */
  readonly kept: KeptFiles | undefined;
  /** Is called with the number of bytes of the archive that have been sent so far. */
  onSent(bytes: number): void;
  /** Is called after the last byte. The host then unpacks and starts the service. */
  onAllSent(): void;
  /** Is called with each complete line of the answer, as soon as it has arrived. */
  onLine(line: string): void;
}

/** The largest message that the admin service accepts in a deploy. */
const MESSAGE_BYTES_MAX = 32 * 1024;
/** A report has a few kilobytes; an error may contain much output of the service. */
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;

/**
 * A host may answer and close the connection before it has the complete archive. If the command writes at that moment, the
 * answer is lost with the connection. Trying again is safe: a host deploys nothing from an incomplete archive.
 */
const ATTEMPTS_MAX = 10;

/** The outcome of one attempt. */
type Attempt =
  | { readonly kind: "answered"; readonly answer: UploadAnswer }
  | { readonly kind: "broken"; readonly cause: unknown; readonly isComplete: boolean };

/**
 * Sends an archive to the admin service, only as fast as the host reads it. If the host answers before it has the complete
 * archive, the rest is not sent.
 * @throws LeverError `unreachable`, and CommandError when a file cannot be packed. The host then discards the part that it has.
 */
export async function uploadArchive(options: UploadOptions): Promise<UploadAnswer> {
  for (let attempt = 1; ; attempt++) {
    const outcome = await tryUpload(options);
    if (outcome.kind === "answered") return outcome.answer;
    const mayTryAgain = !outcome.isComplete && isBroken(outcome.cause) && attempt < ATTEMPTS_MAX;
    if (!mayTryAgain) throw uploadFailed(outcome.cause, options.hostUrl);
  }
}

async function tryUpload(options: UploadOptions): Promise<Attempt> {
  const request = openRequest(options);
  let hasResponse = false;
  const responded = once(request, "response").then(([response]: http.IncomingMessage[]) => {
    hasResponse = true;
    return response;
  });
  // Errors are handled below, where the answer is awaited.
  responded.catch(() => {});
  // After the answer, errors of the connection no longer matter.
  request.on("error", () => {});
  let isComplete = false;
  let sentBytes = 0;
  try {
    const { environment, kept } = options;
    request.write(`${JSON.stringify([environment, { report: true, progress: true, kept }])}\n`);
    for await (const message of messagesOf(options.archive)) {
      // Lets an answer that has arrived be read before a write fails on a closed connection.
      await setImmediate();
      if (hasResponse) break;
      const canWriteMore = request.write(message);
      sentBytes += message.length;
      options.onSent(sentBytes);
      if (!canWriteMore) await Promise.race([once(request, "drain"), responded]);
    }
    if (!hasResponse) {
      isComplete = true;
      request.end();
      options.onAllSent();
    }
    return { kind: "answered", answer: await readAnswer(await responded, options) };
  } catch (cause) {
    // A file that cannot be packed.
    if (cause instanceof LeverError || cause instanceof CommandError) throw cause;
    return { kind: "broken", cause, isComplete };
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

async function* messagesOf(archive: GrowingArchive): AsyncGenerator<Buffer> {
  for await (const chunk of archive.read()) {
    for (let start = 0; start < chunk.length; start += MESSAGE_BYTES_MAX) {
      yield chunk.subarray(start, start + MESSAGE_BYTES_MAX);
    }
  }
}

async function readAnswer(
  response: http.IncomingMessage | undefined,
  { onLine }: Pick<UploadOptions, "onLine">,
): Promise<UploadAnswer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  let rest = "";
  for await (const chunk of (response ?? []) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) {
      throw new LeverError(
        "too_large",
        `Cannot read the answer: it has more than ${ANSWER_BYTES_MAX} bytes.`,
      );
    }
    chunks.push(chunk);
    // A character that is cut in two is in a report, whose line is not used here.
    const lines = `${rest}${chunk.toString("utf8")}`.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) onLine(line);
  }
  return {
    status: response?.statusCode ?? 0,
    headers: response?.headers ?? {},
    body: Buffer.concat(chunks, bytes),
  };
}

import { once } from "node:events";
import { request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

/** What is sent again and again, and what the receiver adds up of one. */
export interface UploadPiece {
  readonly contentType: string;
  readonly bytes: Buffer;
  readonly amount: number;
}

export interface UploadTarget {
  readonly address: string;
  readonly path: string;
  readonly host?: string;
  /** Comes before the pieces. */
  readonly first?: string;
}

/**
 * Uploads pieces for some seconds in one request of unknown length, as fast as the receiver takes them. Returns the megabytes
 * in each second. @throws Error when the receiver has not added up all.
 */
export async function measureUpload(
  { address, path, host = address, first = "" }: UploadTarget,
  { contentType, bytes, amount }: UploadPiece,
  seconds: number,
): Promise<number> {
  const upload = request(`http://${address}${path}`, {
    method: "POST",
    headers: { "content-type": contentType, host },
    agent: false,
  });
  const answered = once(upload, "response");
  const startedAt = performance.now();
  const until = startedAt + seconds * 1_000;
  if (first !== "") upload.write(first);
  let pieces = 0;
  while (performance.now() < until) {
    pieces++;
    if (!upload.write(bytes)) await Promise.race([once(upload, "drain"), answered, delay(10_000)]);
  }
  upload.end();
  const [response] = await answered;
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) text += chunk;
  const ms = performance.now() - startedAt;
  if (Number(text) !== pieces * amount) {
    throw new Error(`Cannot measure: ${pieces} pieces of ${amount} were added up to ${text}`);
  }
  return (pieces * bytes.length) / 1_000 / ms;
}

import { createGzip, type Gzip } from "node:zlib";
import {
  type CallHandle,
  type CallListener,
  cancelled,
  closedSide,
  encodeJson,
  LeverError,
  PAYLOAD_JSON,
  type PayloadKind,
} from "@leveros/protocol";
import { acceptedFormat, contentTypes } from "../../metrics/text-format.ts";
import type { DoorOptions } from "../door-options.ts";
import type { HttpRequest, HttpResponse } from "../http/exchange.ts";
import { requestQuery } from "../http/request-target.ts";
import { writeProblem } from "../http/write-response.ts";

/** The method that sends the metrics of the whole host, also to a worker. */
const target = {
  environment: "admin.lever",
  service: "admin",
  resource: "",
  method: "metricsChan",
} as const;

/** Not with a weight of zero. */
const ACCEPTS_GZIP = /(?:^|[\s,])gzip(?!\s*;\s*q=0(?:\.0+)?\s*(?:,|$))/i;
/** As for other responses. */
const GZIP_LEVEL = 4;

/**
 * Answers `GET /-/metrics`, for callers who may call the admin service. It checks their right.
 * @throws LeverError as `Admission.admitCall`
 */
export function serveMetrics(
  request: HttpRequest,
  response: HttpResponse,
  { admission, router }: DoorOptions,
): void {
  const admitted = admission.admitCall({
    door: "page",
    target,
    request,
    isStream: true,
    askedMs: 0,
  });
  const { headers } = request;
  const format = acceptedFormat(headers.accept);
  const head = { "content-type": contentTypes[format], "cache-control": "no-store" };
  if (request.method === "HEAD") {
    response.writeHead(200, head);
    response.end();
    return;
  }
  const isGzip = ACCEPTS_GZIP.test(String(headers["accept-encoding"] ?? ""));
  const reply = new MetricsReply(response, head, isGzip);
  const query = requestQuery(request);
  const instances = query.get("instances") === "1";
  const args = [
    query.get("environment"),
    { openMetrics: format === "openMetrics", instances },
    { on: query.get("host") },
  ];
  const body = encodeJson(args);
  reply.call = router.open({ ...admitted, kind: PAYLOAD_JSON, body }, reply, true);
  reply.call.end();
}

/** Writes the text as it comes, no faster than the caller reads. */
class MetricsReply implements CallListener {
  call: CallHandle = closedSide;
  readonly #response: HttpResponse;
  readonly #head: Readonly<Record<string, string>>;
  readonly #gzip: Gzip | undefined;

  constructor(response: HttpResponse, head: Readonly<Record<string, string>>, isGzip: boolean) {
    this.#response = response;
    this.#head = isGzip ? { ...head, "content-encoding": "gzip" } : head;
    const gzip = isGzip ? createGzip({ level: GZIP_LEVEL }) : undefined;
    this.#gzip = gzip;
    // Node emits no "drain" for a long write that the system takes at once.
    gzip?.on("data", (chunk: Buffer) => {
      if (!response.write(chunk, () => gzip.resume())) gzip.pause();
    });
    gzip?.on("end", () => response.end());
    gzip?.on("drain", () => this.call.resume());
    response.on("close", () => {
      gzip?.destroy();
      this.call.abort(cancelled("caller"));
    });
  }

  onMessage(_kind: PayloadKind, bytes: Uint8Array): void {
    if (!this.#response.headersSent) this.#response.writeHead(200, this.#head);
    // The bytes may lie in memory that is used again.
    const copy = Buffer.from(bytes);
    const isTaken =
      this.#gzip === undefined
        ? this.#response.write(copy, () => this.call.resume())
        : this.#gzip.write(copy);
    if (!isTaken) this.call.pause();
  }

  onEnd(): void {
    if (this.#gzip === undefined) this.#response.end();
    else this.#gzip.end();
  }

  onFail(): void {
    this.onAbort(new LeverError("internal", "Cannot send the metrics: Lever failed."));
  }

  onAbort(error: LeverError): void {
    writeProblem(this.#response, error);
  }

  onDrain(): void {}
}

import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { type Clock, delay } from "../clock.ts";
import type { Log } from "../logs/log.ts";
import { type ExportedTrace, groupByResource, type ScopedSpan, spansOf } from "./otlp-spans.ts";
import type { OtlpTarget } from "./otlp-target.ts";

const compress = promisify(gzip);

const BATCH_SPANS_MAX = 512;
/** Spans wait at most so long for others. */
const BATCH_AFTER_MS = 5_000;
const QUEUED_SPANS_MAX = 4_096;
const TRIES_MAX = 5;
const FIRST_RETRY_MS = 1_000;
const RETRY_MS_MAX = 30_000;
const ANSWER_TIMEOUT_MS = 10_000;
const ANSWER_BYTES_MAX = 64 * 1024;
/** The answers after which a sender tries again (opentelemetry-proto, docs/specification.md, "Failures"). */
const RETRIED = new Set([429, 502, 503, 504]);

export interface OtlpExporterOptions {
  readonly target: OtlpTarget;
  readonly clock: Clock;
  readonly log: Log;
  /** Called for each span that is dropped. Default: they are counted here only. */
  readonly onDropped?: ((environment: string, service: string) => void) | undefined;
}

/** Sends spans to a collector, by OTLP over HTTP as JSON. What it cannot send is dropped and counted. */
export class OtlpExporter {
  readonly #options: OtlpExporterOptions;
  #queue: ScopedSpan[] = [];
  #timer: unknown;
  #sending: Promise<void> | undefined;
  readonly #closing: PromiseWithResolvers<void> = Promise.withResolvers();
  #isClosing = false;
  #dropped = 0;
  #droppedTold = 0;

  constructor(options: OtlpExporterOptions) {
    this.#options = options;
  }

  /** Spans that were dropped since the host started. */
  get dropped(): number {
    return this.#dropped;
  }

  add(trace: ExportedTrace): void {
    const spans = spansOf(trace);
    const free = Math.max(0, QUEUED_SPANS_MAX - this.#queue.length);
    this.#drop(spans.slice(free));
    this.#queue.push(...spans.slice(0, free));
    if (this.#queue.length >= BATCH_SPANS_MAX) this.#send();
    else this.#timer ??= this.#options.clock.setTimeout(() => this.#send(), BATCH_AFTER_MS);
  }

  /** Sends the rest, once. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#closing.resolve();
    this.#send();
    await this.#sending;
  }

  #send(): void {
    this.#options.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined;
    });
  }

  async #sendAll(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0, BATCH_SPANS_MAX);
      const text = JSON.stringify({ resourceSpans: groupByResource(batch) });
      const failure = await this.#deliver(await compress(text), batch);
      if (failure === undefined) continue;
      // A host that stops does not wait for a collector that is away.
      if (this.#isClosing) this.#drop(this.#queue.splice(0));
      this.#tellDropped(failure);
    }
  }

  /** Returns why spans were dropped; undefined = none were. */
  async #deliver(body: Buffer, spans: readonly ScopedSpan[]): Promise<string | undefined> {
    let retryMs = FIRST_RETRY_MS;
    for (let tries = 1; ; tries++) {
      const answer = await post(this.#options.target, body).catch((error: unknown) => ({
        status: 0,
        text: String(error),
        retryAfterMs: undefined,
      }));
      if (answer.status >= 200 && answer.status < 300) {
        // Which ones it has not accepted, it does not say.
        const rejected = spans.slice(0, rejectedSpans(answer.text));
        this.#drop(rejected);
        return rejected.length > 0 ? answer.text.slice(0, 500) : undefined;
      }
      const mayTryAgain = answer.status === 0 || RETRIED.has(answer.status);
      if (!mayTryAgain || tries === TRIES_MAX || this.#isClosing) {
        this.#drop(spans);
        return answer.status === 0
          ? answer.text
          : `the collector answered with status ${answer.status}: ${answer.text.slice(0, 500)}`;
      }
      const pause = delay(this.#options.clock, answer.retryAfterMs ?? retryMs);
      await Promise.race([pause, this.#closing.promise]);
      retryMs = Math.min(2 * retryMs, RETRY_MS_MAX);
    }
  }

  #drop(spans: readonly ScopedSpan[]): void {
    this.#dropped += spans.length;
    for (const { call } of spans) this.#options.onDropped?.(call.environment, call.service);
  }

  #tellDropped(reason: string): void {
    const spans = this.#dropped - this.#droppedTold;
    this.#droppedTold = this.#dropped;
    this.#options.log("warn", "traces", "spans dropped", { spans, reason });
  }
}

interface Answer {
  /** 0 = there was none. */
  readonly status: number;
  readonly text: string;
  readonly retryAfterMs: number | undefined;
}

function post({ url, headers }: OtlpTarget, body: Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = url.protocol === "https:" ? httpsRequest : httpRequest;
    const outgoing = request(url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "content-encoding": "gzip",
        "content-length": body.length,
        ...headers,
      },
      timeout: ANSWER_TIMEOUT_MS,
    });
    outgoing.on("timeout", () => outgoing.destroy(new Error("the collector did not answer")));
    outgoing.on("error", reject);
    outgoing.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        if (text.length < ANSWER_BYTES_MAX) text += chunk;
      });
      response.on("error", reject);
      response.on("end", () => {
        const seconds = Number(response.headers["retry-after"]);
        const retryAfterMs = seconds > 0 ? Math.min(seconds * 1_000, RETRY_MS_MAX) : undefined;
        resolve({ status: response.statusCode ?? 0, text, retryAfterMs });
      });
    });
    outgoing.end(body);
  });
}

/** The spans that a collector has not accepted (ExportTracePartialSuccess). */
function rejectedSpans(answer: string): number {
  const [, count = "0"] = /"rejectedSpans"\s*:\s*"?(\d{1,9})/.exec(answer) ?? [];
  return Number(count);
}

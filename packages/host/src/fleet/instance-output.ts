import type { Dropped, RecordedSpans } from "@leveros/protocol";
import type { Clock } from "../clock.ts";
import type { LinkBytes } from "../instance-link/instance-link.ts";
import type { InstanceNames } from "../launcher/launcher.ts";
import type { Log } from "../logs/log.ts";
import { droppedContent, type LogBook } from "../logs/log-book.ts";
import { secretMask } from "../logs/mask-secrets.ts";
import type { OutputRecord } from "../processes/output-log.ts";

/** An instance that prints too much is an event so often. */
const DROPPED_EVENT_EVERY_MS = 60_000;

/** Counts what instances do. Default: nothing is counted. */
export interface InstanceMeter {
  /** The bytes on the links to instances. */
  readonly passed: LinkBytes;
  /** An instance has answered a ping. */
  onPong(ms: number): void;
  /** Bytes of what an instance has printed were logged, or dropped. */
  onLogged(about: InstanceNames, bytes: number): void;
  onLogDropped(about: InstanceNames, bytes: number): void;
  /** The service of an instance has recorded spans. */
  onSpans(about: InstanceNames, recorded: RecordedSpans): void;
}

export interface OutputContext {
  readonly logs: Pick<LogBook, "add">;
  readonly meter?: InstanceMeter | undefined;
  /** The host's own log shows what instances print, too. */
  readonly showsOutput: boolean;
  readonly log: Log;
  readonly clock: Clock;
}

/** Logs what one instance prints. */
export class InstanceOutput {
  readonly #about: InstanceNames;
  readonly #context: OutputContext;
  readonly #mask: (text: string) => string;
  #eventAt = Number.NEGATIVE_INFINITY;
  #droppedBytes = 0;

  /** `secrets`: values that are left out, by their names. */
  constructor(
    about: InstanceNames,
    secrets: Readonly<Record<string, string>>,
    context: OutputContext,
  ) {
    this.#about = about;
    this.#context = context;
    this.#mask = secretMask(secrets);
  }

  add(record: OutputRecord): void {
    const { logs, log, showsOutput, meter } = this.#context;
    const text = this.#mask(record.text);
    const isLogged = logs.add(this.#about, { ...record, text });
    if (isLogged) meter?.onLogged(this.#about, Buffer.byteLength(text));
    else meter?.onLogDropped(this.#about, Buffer.byteLength(text));
    if (!showsOutput) return;
    const { call } = record;
    log("info", "fleet", "output", { ...this.#about, ...(call !== "" && { call }), line: text });
  }

  drop(dropped: Dropped): void {
    const { logs, log, clock, meter } = this.#context;
    meter?.onLogDropped(this.#about, dropped.bytes);
    logs.add(this.#about, droppedContent(dropped, "more than loggedBytesPerSecondMax"));
    this.#droppedBytes += dropped.bytes;
    if (clock.now() - this.#eventAt < DROPPED_EVENT_EVERY_MS) return;
    this.#eventAt = clock.now();
    log("warn", "fleet", "output dropped", { ...this.#about, bytes: this.#droppedBytes });
    this.#droppedBytes = 0;
  }

  /** Lever's own word on why the instance has not started. */
  addFailure(reason: string): void {
    this.#context.logs.add(this.#about, { level: "error", text: this.#mask(reason) });
  }

  /** Without the values of secrets. */
  mask(text: string): string {
    return this.#mask(text);
  }
}

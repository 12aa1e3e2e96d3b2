import { Counts } from "./counts.ts";

/** The counts of one gateway. A worker sends it to the host. */
export interface GatewayCounts {
  /** Open now. */
  readonly connections: number;
  /** Bytes of request bodies that it holds now. */
  readonly bodyBytes: number;
  /** Calls that came in, by protocol. */
  readonly requests: readonly (readonly [protocol: string, count: number])[];
  /** Calls that it refused, by the code of the error. */
  readonly refusals: readonly (readonly [code: string, count: number])[];
  /** The share of the last seconds for which the thread of its process was busy. Absent = it is the host's. */
  readonly busyRatio?: number;
}

/** The counts of the gateway in a process: `host`, `worker-1`, … */
export type NamedCounts = readonly [process: string, counts: GatewayCounts];

/** Counts the calls that come in at a gateway. */
export class GatewayMeter {
  #http1 = 0;
  readonly #others: Counts = new Counts();
  readonly #refusals: Counts = new Counts();

  /** Most calls come by HTTP/1.1: counting those takes a nanosecond. */
  addHttp1(): void {
    this.#http1++;
  }

  add(protocol: "http2" | "websocket" | "sse" | "grpc" | "link"): void {
    this.#others.add(protocol);
  }

  addRefusal(code: string): void {
    this.#refusals.add(code);
  }

  get requests(): GatewayCounts["requests"] {
    return [["http1", this.#http1], ...this.#others];
  }

  get refusals(): GatewayCounts["refusals"] {
    return [...this.#refusals];
  }
}

import { Agent, request } from "node:http";

export interface Answer {
  /** 0 = the connection broke. */
  readonly status: number;
  readonly text: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly ms: number;
}

/** A client of one host that keeps its connections. */
export class Caller implements Disposable {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 2_000 });
  readonly #address: string;

  constructor(address: string) {
    this.#address = address;
  }

  /** Calls a method by its path, such as `/svc/method`. Never rejects. */
  call(path: string, args: readonly unknown[] = [], environment = "dev.lever"): Promise<Answer> {
    return new Promise((resolve) => {
      const startedAt = performance.now();
      const done = (status: number, text: string, headers = {}): void =>
        resolve({ status, text, headers, ms: performance.now() - startedAt });
      const outgoing = request(
        `http://${this.#address}${path}?forceenv=${environment}`,
        {
          method: "POST",
          agent: this.#agent,
          headers: { "content-type": "application/json" },
        },
        (response) => {
          let text = "";
          response.setEncoding("utf8");
          response.on("data", (chunk: string) => {
            text += chunk;
          });
          response.on("end", () => done(response.statusCode ?? 0, text, response.headers));
          response.on("error", (error) => done(0, error.message));
        },
      );
      outgoing.on("error", (error) => done(0, error.message));
      outgoing.end(JSON.stringify(args));
    });
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}

/** The value below which this part of all values lies; NaN when there are none. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

/** The middle value, or what lies between the middle two; NaN when there are none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN;
  return (lower + upper) / 2;
}

/** Calls again and again, `concurrency` at once, until `stop`. `onAnswer` gets each answer. */
export function keepCalling(
  concurrency: number,
  call: (caller: number) => Promise<Answer>,
  onAnswer: (answer: Answer, caller: number) => void,
): { stop(): Promise<void> } {
  let isDone = false;
  const callers = Array.from({ length: concurrency }, async (_, caller) => {
    while (!isDone) onAnswer(await call(caller), caller);
  });
  return {
    async stop() {
      isDone = true;
      await Promise.all(callers);
    },
  };
}

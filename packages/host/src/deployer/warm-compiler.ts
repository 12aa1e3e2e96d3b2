import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type { Limits } from "@leveros/protocol";
import type { TransformReply, TransformRequest } from "@leveros/runtime/compiler-thread";
import type { TransformedService } from "./transform.ts";
import { transformError } from "./transform-error.ts";

/**
 * Replaces the TypeScript in a folder by JavaScript, as `transformCode` does, in a thread of this process that stays: for
 * sources that the user of the host is developing, which need no fence.
 */
export class WarmCompiler {
  readonly #limits: Limits;
  readonly #waiting: PromiseWithResolvers<TransformReply>[] = [];
  #thread: Worker | undefined;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** @throws LeverError `invalid_service` with the syntax errors. */
  async transform({
    codeDir,
    jsEntry,
  }: Pick<TransformedService, "codeDir" | "jsEntry">): Promise<void> {
    const waiting = Promise.withResolvers<TransformReply>();
    this.#waiting.push(waiting);
    const request: TransformRequest = { folder: codeDir, entry: jsEntry };
    this.#open().postMessage(request);
    const { reason } = await waiting.promise;
    if (reason !== undefined) throw transformError(reason);
  }

  async close(): Promise<void> {
    await this.#thread?.terminate();
  }

  #open(): Worker {
    if (this.#thread !== undefined) return this.#thread;
    const { transformRamMb } = this.#limits;
    const file = fileURLToPath(import.meta.resolve("@leveros/runtime/compiler-thread"));
    const thread = new Worker(file, { resourceLimits: { maxOldGenerationSizeMb: transformRamMb } });
    this.#thread = thread;
    thread.on("message", (reply: TransformReply) => this.#waiting.shift()?.resolve(reply));
    thread.on("error", (error) => this.#fail(String(error)));
    thread.on("exit", () => {
      this.#thread = undefined;
      this.#fail("its thread has ended");
    });
    return thread;
  }

  #fail(reason: string): void {
    for (const { reject } of this.#waiting.splice(0)) {
      reject(transformError(`the compiler has failed: ${reason}`, "internal"));
    }
  }
}

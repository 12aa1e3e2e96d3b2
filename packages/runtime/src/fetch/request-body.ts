import type { CallHandle } from "@leveros/protocol";

/** With more bytes that the service has not read, the caller has to wait. */
const UNREAD_BYTES_MAX = 64 * 1024;

/** The body of a request, as a stream of bytes that arrives as fast as the service reads it. */
export class RequestBody {
  readonly stream: ReadableStream<Uint8Array>;
  #controller: ReadableByteStreamController | undefined;
  /** The stream is closed, has failed, or is not read any more. */
  #isOver = false;

  constructor(side: Pick<CallHandle, "pause" | "resume">) {
    this.stream = new ReadableStream(
      {
        type: "bytes",
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => side.resume(),
        cancel: () => {
          this.#isOver = true;
          side.resume();
        },
      },
      { highWaterMark: UNREAD_BYTES_MAX },
    );
    this.#pause = () => side.pause();
  }

  readonly #pause: () => void;

  /** The memory of these bytes is overwritten later. */
  add(bytes: Uint8Array): void {
    const controller = this.#controller;
    if (this.#isOver || controller === undefined || bytes.length === 0) return;
    controller.enqueue(new Uint8Array(bytes));
    if ((controller.desiredSize ?? 0) <= 0) this.#pause();
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#controller?.close();
    // A reader with memory of its own waits for an answer, also at the end.
    this.#controller?.byobRequest?.respond(0);
  }

  fail(error: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#controller?.error(error);
  }
}

import { ArrivingBody, type BodyMemory } from "@leveros/protocol";

/** The body of a request, which arrives in pieces. */
export interface IncomingBody {
  readonly arriving: ArrivingBody<Buffer>;
  readonly isComplete: boolean;
  /** Copies the bytes that belong to the body, and returns how many of these bytes are read. */
  receive(bytes: Buffer): number;
}

/** A body whose length is known. */
export class SizedBody implements IncomingBody {
  readonly #bytes: number;
  readonly arriving: ArrivingBody<Buffer>;

  constructor(bytes: number, source: BodyMemory<Buffer>) {
    this.#bytes = bytes;
    this.arriving = new ArrivingBody(source, { bytesMax: bytes, isLengthKnown: true });
  }

  receive(bytes: Buffer): number {
    const taken = Math.min(bytes.length, this.#bytes - this.arriving.bytes);
    if (taken > 0) this.arriving.add(bytes.subarray(0, taken));
    return taken;
  }

  get isComplete(): boolean {
    return this.arriving.bytes === this.#bytes;
  }
}

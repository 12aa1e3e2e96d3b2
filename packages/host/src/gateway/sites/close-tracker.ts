const CLOSE = 8;

/** Follows the frames that a WebSocket server sends, to find out where one ends, and whether the last one closes the WebSocket. */
export class CloseTracker {
  /** The header of the current frame so far. */
  readonly #header: number[] = [];
  /** Bytes of the current frame that have not passed. */
  #left = 0;
  /** A close frame has passed. */
  isClosed = false;

  /** No frame has begun: another one can be sent. */
  get isBetweenFrames(): boolean {
    return this.#left === 0 && this.#header.length === 0;
  }

  pass(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#left > 0) {
        const passed = Math.min(this.#left, bytes.length - at);
        this.#left -= passed;
        at += passed;
      } else {
        this.#header.push(bytes[at] ?? 0);
        at++;
        this.#readHeader();
      }
    }
  }

  /** The opcode, a length, and perhaps a longer length and a mask (RFC 6455, 5.2). */
  #readHeader(): void {
    const header = this.#header;
    const [first = 0, second] = header;
    if (second === undefined) return;
    const short = second & 0x7f;
    const lengthBytes = short === 127 ? 8 : short === 126 ? 2 : 0;
    if (header.length < 2 + lengthBytes) return;
    let length = lengthBytes === 0 ? short : 0;
    for (const byte of header.slice(2)) length = length * 256 + byte;
    if ((first & 0x0f) === CLOSE) this.isClosed = true;
    const maskBytes = (second & 0x80) === 0 ? 0 : 4;
    this.#left = length + maskBytes;
    header.length = 0;
  }
}

/** A close frame of a server. */
export function closeFrame(code: number): Buffer {
  return Buffer.from([0x80 | CLOSE, 2, code >> 8, code & 0xff]);
}

/** Bytes that each side may send before the first grant. */
export const WINDOW_BYTES: number = 256 * 1024;
/** A grant is sent when this many bytes are due. */
export const GRANT_BYTES: number = WINDOW_BYTES / 4;
/** The first character of a grant, `+`. */
const PLUS = 0x2b;

/** True for a text message of the subprotocol that grants credit: no JSON begins with `+`. */
export function isGrant(text: Uint8Array): boolean {
  return text[0] === PLUS;
}

/**
 * Flow control of the subprotocol `lever`, without I/O. Pages cannot stop a WebSocket from receiving, so each side sends
 * only as many bytes as the other has granted, and grants more as its messages are consumed.
 */
export class WebSocketCredit {
  #sendableBytes = WINDOW_BYTES;
  /** Received from the caller, and not granted again. */
  #dueBytes = 0;

  /** The caller has granted more bytes than it was sent. The last message may be larger than the rest of the credit. */
  get canSend(): boolean {
    return this.#sendableBytes > 0;
  }

  sent(bytes: number): void {
    this.#sendableBytes -= bytes;
  }

  /** Adds the grant of a text message, `+` and a number. False = the number is malformed. */
  addGrant(text: Uint8Array): boolean {
    const bytes = Number(Buffer.from(text.subarray(1)).toString());
    if (!Number.isSafeInteger(bytes) || bytes < 0) return false;
    this.#sendableBytes += bytes;
    return true;
  }

  received(bytes: number): void {
    this.#dueBytes += bytes;
  }

  /** The grant to send now that everything received is consumed; undefined = too little is due. */
  takeGrant(): string | undefined {
    if (this.#dueBytes < GRANT_BYTES) return undefined;
    const grant = `+${this.#dueBytes}`;
    this.#dueBytes = 0;
    return grant;
  }
}

import type { CallHandle, MessageKind } from "./call.ts";

/**
 * The messages that a caller sends before its call is open. `send` returns false for each of them, so a caller that waits
 * for `onDrain` stores one. A link's window bounds the bytes of any other caller (L2).
 */
export class EarlyMessages {
  readonly #messages: { readonly kind: MessageKind; readonly bytes: Uint8Array }[] = [];

  push(kind: MessageKind, bytes: Uint8Array): void {
    this.#messages.push({ kind, bytes });
  }

  /** Sends the messages in order. Returns the result of the last `send`: false = wait for `onDrain`. */
  sendTo(call: CallHandle): boolean {
    let isWritable = true;
    for (const { kind, bytes } of this.#messages) isWritable = call.send(kind, bytes);
    return isWritable;
  }
}

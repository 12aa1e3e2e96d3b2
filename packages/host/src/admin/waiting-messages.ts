/** New messages that wait for a reader who is slower than they come. More are dropped, and counted for the reader. */
const WAITING_MAX = 1_000;

/** Messages of a stream to a reader who may be slow. The first ones wait until `send`. */
export class WaitingMessages<Message> {
  readonly #write: (message: Message | { readonly dropped: number }) => boolean;
  #messages: Message[] = [];
  #dropped = 0;
  /** The reader takes more. False until the earlier messages are sent. */
  #isOpen = false;

  constructor(write: (message: Message | { readonly dropped: number }) => boolean) {
    this.#write = write;
  }

  add(message: Message): void {
    if (this.#isOpen && this.#messages.length === 0 && this.#dropped === 0) {
      this.#isOpen = this.#write(message);
    } else if (this.#messages.length < WAITING_MAX && this.#dropped === 0) {
      this.#messages.push(message);
    } else {
      // Their number follows the messages that wait.
      this.#dropped++;
    }
  }

  /** Must be called when the reader takes more. */
  send(): void {
    this.#isOpen = true;
    const messages = this.#messages;
    this.#messages = [];
    let sent = 0;
    for (; sent < messages.length && this.#isOpen; sent++) {
      const message = messages[sent];
      if (message !== undefined) this.#isOpen = this.#write(message);
    }
    this.#messages = messages.slice(sent);
    if (!this.#isOpen || this.#dropped === 0) return;
    const dropped = this.#dropped;
    this.#dropped = 0;
    this.#isOpen = this.#write({ dropped });
  }
}

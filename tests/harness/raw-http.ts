import { connect, type Socket } from "node:net";

/** A request as text; `length` is that of the body unless the fields have one. */
export function request(line: string, fields: readonly string[], body = "[1]"): string {
  const hasLength = fields.some((field) => /^(content-length|transfer-encoding)\s*:/i.test(field));
  const length = hasLength ? [] : [`content-length: ${body.length}`];
  return `${[line, ...fields, ...length].join("\r\n")}\r\n\r\n${body}`;
}

export interface RawAnswer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/**
 * The answers in received text, without interim ones. `methods` are those of the requests: the answer to HEAD has no body.
 * @throws Error for anything that is no answer
 */
export function answersOf(text: string, methods: readonly string[] = []): RawAnswer[] {
  const answers: RawAnswer[] = [];
  let rest = text;
  while (rest !== "") {
    const [head = ""] = /^HTTP\/1\.1 \d{3} [^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n/.exec(rest) ?? [];
    if (head === "") throw new Error(`It is no answer: ${JSON.stringify(rest)}`);
    const status = Number(head.slice(9, 12));
    const isBodiless = status < 200 || methods[answers.length] === "HEAD";
    const declared = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
    const length = isBodiless ? 0 : declared;
    const body = rest.slice(head.length, head.length + length);
    rest = rest.slice(head.length + length);
    if (status >= 200) answers.push({ status, head: head.toLowerCase(), body });
  }
  return answers;
}

/** A connection that sends bytes as they are. */
export class RawConnection {
  readonly socket: Socket;
  /** As latin1. */
  received = "";
  readonly closed: Promise<void>;

  constructor(port: number) {
    this.socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    this.socket.setNoDelay(true);
    this.socket.on("error", () => {});
    this.socket.on("data", (chunk: Buffer) => {
      this.received += chunk.toString("latin1");
    });
    this.socket.on("end", () => this.socket.end());
    this.closed = new Promise((resolve) => this.socket.on("close", () => resolve()));
  }

  /** Resolves once the bytes are with the system. */
  send(bytes: string | Buffer): Promise<void> {
    const sent = typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes;
    return new Promise((resolve) => this.socket.write(sent, () => resolve()));
  }

  /** Resolves with everything received once it matches. @throws Error when the connection closes before. */
  async until(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.received)) {
      if (this.socket.closed) {
        throw new Error(`It closed after ${JSON.stringify(this.received)}.`);
      }
      await new Promise<void>((resolve) => {
        this.socket.once("data", () => resolve());
        this.socket.once("close", () => resolve());
      });
    }
    return this.received;
  }
}

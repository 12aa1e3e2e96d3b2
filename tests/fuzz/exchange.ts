import { connect } from "node:net";

export interface ExchangeOptions {
  /** A local address: several of them keep the system's table of connections from running full. */
  readonly localAddress: string;
  /** The caller's action after everything is sent: wait for an answer, end its side, or disconnect. */
  readonly then: "wait" | "end" | "leave";
  /** A caller that waits ends its side after this time, answered or not. */
  readonly patienceMs: number;
  /** True when the bytes are a complete answer. */
  readonly isAnswered: (answer: Buffer) => boolean;
}

export interface Exchanged {
  readonly answer: Buffer;
  /** The other side answered or closed before this one ended its own. */
  readonly wasHeard: boolean;
}

/** Within this time of the end of its input a connection is over, on any machine that is merely busy. */
const HANG_MS = 60_000;
/** Bytes of an answer that are kept. */
const ANSWER_BYTES_MAX = 256 * 1024;

/**
 * Sends bytes as they are over a connection of their own. Resolves when that is over.
 * @throws Error when it is not to be had, or has no end.
 */
export function exchange(
  address: string,
  bytes: Buffer,
  options: ExchangeOptions,
): Promise<Exchanged> {
  const { localAddress, then, patienceMs, isAnswered } = options;
  const [host = "", port = ""] = address.split(":");
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port: Number(port), localAddress });
    let answer = Buffer.alloc(0);
    let isConnected = false;
    let hasEnded = then === "end";
    let wasHeard = false;
    const hang = setTimeout(() => {
      reject(new Error(`the connection has no end; it answered ${JSON.stringify(shown(answer))}`));
      socket.destroy();
    }, HANG_MS);
    let patience: NodeJS.Timeout | undefined;
    const end = (): void => {
      if (hasEnded) return;
      hasEnded = true;
      socket.end();
    };
    socket.on("connect", () => {
      isConnected = true;
      if (then === "end") socket.end(bytes);
      else socket.write(bytes);
      if (then === "leave") setImmediate(() => socket.resetAndDestroy());
      if (then === "wait") patience = setTimeout(end, patienceMs);
    });
    socket.on("data", (chunk: Buffer) => {
      if (answer.length < ANSWER_BYTES_MAX) answer = Buffer.concat([answer, chunk]);
      if (then !== "wait" || !isAnswered(answer)) return;
      wasHeard ||= !hasEnded;
      end();
    });
    socket.on("error", (error) => {
      // How the other side ends it is its own affair.
      if (!isConnected) reject(new Error(`no connection is to be had: ${error.message}`));
    });
    socket.on("close", () => {
      clearTimeout(hang);
      clearTimeout(patience);
      resolve({ answer, wasHeard: wasHeard || !hasEnded });
    });
  });
}

function shown(answer: Buffer): string {
  return answer.subarray(0, 500).toString("latin1");
}

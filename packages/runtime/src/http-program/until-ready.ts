import { setTimeout as delay } from "node:timers/promises";
import { startError } from "../entry/until-listening.ts";
import { type ProgramAddress, ProgramConnection } from "./program-connection.ts";

const POLL_MS = 20;
const POLL_MS_MAX = 500;
/** A program that answers its first request later gets another one. */
const ANSWER_MS_MAX = 10_000;

export interface ReadyOptions {
  readonly command: string;
  readonly path: string;
  /** Called with the reason why the program is not ready, when it changes. */
  readonly onWaiting: (reason: string) => void;
  /** How the program has ended; undefined = it runs. */
  readonly describeExit: () => string | undefined;
}

/**
 * Resolves when the path of the program answers 2xx. The host stops the instance when that takes too long.
 * @throws Error when the program exits before.
 */
export async function untilReady(
  address: ProgramAddress,
  { command, path, onWaiting, describeExit }: ReadyOptions,
): Promise<void> {
  let reported = "";
  let pollMs = POLL_MS;
  for (;;) {
    const waitsFor = `${command} does not answer GET ${path} (httpReady) with 2xx`;
    if (reported === "") {
      reported = waitsFor;
      onWaiting(reported);
    }
    const answer = await ask(address, path);
    const exit = describeExit();
    if (exit !== undefined) {
      throw startError(`${command} ${exit} before GET ${path} (httpReady) had a 2xx answer`);
    }
    if (typeof answer === "number" && answer >= 200 && answer < 300) return;
    const reason = `${waitsFor}, but ${typeof answer === "number" ? `with ${answer}` : `not: ${answer}`}`;
    if (reason !== reported) onWaiting(reason);
    reported = reason;
    await delay(pollMs);
    pollMs = Math.min(pollMs * 2, POLL_MS_MAX);
  }
}

/** The status of the answer, or why there is none. */
function ask(address: ProgramAddress, path: string): Promise<number | string> {
  return new Promise((resolve) => {
    const connection = new ProgramConnection(address, () => {});
    const timer = setTimeout(() => done(`no answer for ${ANSWER_MS_MAX} ms`), ANSWER_MS_MAX);
    const done = (answer: number | string): void => {
      clearTimeout(timer);
      connection.destroy();
      resolve(answer);
    };
    const head = `GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`;
    connection.begin(
      head,
      { method: "GET", isUpgrade: false },
      {
        onHead: ({ status }) => done(status),
        onContent() {},
        onWritable() {},
        onBroken: done,
      },
    );
  });
}

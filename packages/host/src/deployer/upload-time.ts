import { LeverError, type Limits } from "@leveros/protocol";
import type { Clock } from "../clock.ts";

export type UploadLimits = Pick<Limits, "uploadSilenceTimeoutMs" | "uploadTimeoutMs">;

/**
 * The messages of an upload, which must not be silent for long, and must end in time. A message without bytes is silence.
 * @throws LeverError `request_timeout`
 */
export async function* withinUploadTime(
  messages: AsyncIterable<unknown>,
  { limits, clock }: { limits: UploadLimits; clock: Clock },
): AsyncGenerator<unknown> {
  const { uploadSilenceTimeoutMs, uploadTimeoutMs } = limits;
  const iterator = messages[Symbol.asyncIterator]();
  const endsAt = clock.now() + uploadTimeoutMs;
  let silentSince = clock.now();
  for (;;) {
    const silentUntil = silentSince + uploadSilenceTimeoutMs;
    const error =
      silentUntil < endsAt
        ? timeout(`nothing has come for ${uploadSilenceTimeoutMs} ms (uploadSilenceTimeoutMs)`)
        : timeout(`it has taken longer than ${uploadTimeoutMs} ms (uploadTimeoutMs)`);
    const leftMs = Math.min(silentUntil, endsAt) - clock.now();
    const result = await inTime(iterator.next(), { clock, leftMs, error });
    if (result.done === true) return;
    yield result.value;
    const isSilence = result.value instanceof Uint8Array && result.value.length === 0;
    if (!isSilence) silentSince = clock.now();
  }
}

async function inTime<Result>(
  work: Promise<Result>,
  { clock, leftMs, error }: { clock: Clock; leftMs: number; error: LeverError },
): Promise<Result> {
  const { promise, resolve, reject } = Promise.withResolvers<Result>();
  const timer = clock.setTimeout(() => reject(error), leftMs);
  work.then(resolve, reject);
  try {
    return await promise;
  } finally {
    clock.clearTimeout(timer);
  }
}

function timeout(reason: string): LeverError {
  return new LeverError("request_timeout", `Cannot receive the archive: ${reason}.`);
}

import { setTimeout as delay } from "node:timers/promises";
import { getHeapSnapshot, startCpuProfile } from "node:v8";
import {
  type CallHandle,
  type CallListener,
  type CallRequest,
  decodeArguments,
  encodeText,
  ignoredEvents,
  PAYLOAD_BYTES,
  PAYLOAD_JSON,
} from "@leveros/protocol";

const CHUNK_BYTES = 64 * 1024;

/** Answers a call of the host with a profile of this process, as messages of bytes. */
export function serveProfile(request: CallRequest, side: CallHandle): CallListener {
  let resume: (() => void) | undefined;
  let isOver = false;
  const send = async (bytes: Uint8Array): Promise<void> => {
    for (let at = 0; at < bytes.length && !isOver; at += CHUNK_BYTES) {
      if (side.send(PAYLOAD_BYTES, bytes.subarray(at, at + CHUNK_BYTES))) continue;
      await new Promise<void>((resolve) => {
        resume = resolve;
      });
    }
  };
  const args = decodeArguments(request.kind, request.body);
  const [kind, seconds] = typeof args === "string" ? [] : args;
  const work = kind === "heap" ? sendHeap(send) : sendCpu(Number(seconds), send, () => isOver);
  work.then(
    () => side.end(),
    (error: unknown) => side.fail(PAYLOAD_JSON, encodeText(JSON.stringify(String(error)))),
  );
  return {
    ...ignoredEvents,
    onDrain: () => resume?.(),
    onAbort() {
      isOver = true;
      resume?.();
    },
  };
}

type Send = (bytes: Uint8Array) => Promise<void>;

async function sendHeap(send: Send): Promise<void> {
  for await (const chunk of getHeapSnapshot() as AsyncIterable<Buffer>)
    await send(Buffer.from(chunk));
}

async function sendCpu(seconds: number, send: Send, isOver: () => boolean): Promise<void> {
  const profile = startCpuProfile();
  // The caller may leave before.
  for (let left = seconds * 1_000; left > 0 && !isOver(); left -= 100)
    await delay(Math.min(left, 100));
  await send(Buffer.from(String(profile.stop())));
}

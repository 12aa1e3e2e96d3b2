import { createRequire } from "node:module";
import {
  type CallHandle,
  type CallListener,
  encodeJson,
  ignoredEvents,
  PAYLOAD_BYTES,
  PAYLOAD_JSON,
  type PayloadKind,
} from "@leveros/protocol";
import type ts from "typescript6";
import { TransformError } from "./transform-error.ts";
import { type TransformedFile, transformFolder } from "./transform-folder.ts";

const CHUNK_BYTES = 1024 * 1024;

export interface TransformServer {
  readonly callsInFlight: number;
  onCall(request: unknown, side: CallHandle): CallListener;
  closeResources(): Promise<void>;
}

/**
 * Answers a call with the transformed files of a folder: for each a JSON message with its path and size, and its bytes in
 * further messages. Sources that cannot be transformed fail the call with the reason.
 */
export function openTransformServer(folder: string, entry: string): TransformServer {
  // The launcher copies the compiler beside this program (launcher/instance-program.ts in the host).
  const compiler = createRequire(import.meta.filename)("./typescript.cjs") as typeof ts;
  return {
    callsInFlight: 0,
    closeResources: () => Promise.resolve(),
    onCall(_request, side) {
      let onDrain = (): void => {};
      const drained = (): Promise<void> => new Promise((resolve) => (onDrain = resolve));
      void answer(side, { files: transformFolder(compiler, { folder, entry }), drained });
      return { ...ignoredEvents, onDrain: () => onDrain() };
    },
  };
}

interface AnswerOptions {
  readonly files: Iterable<TransformedFile>;
  drained(): Promise<void>;
}

async function answer(side: CallHandle, { files, drained }: AnswerOptions): Promise<void> {
  const send = async (kind: PayloadKind, bytes: Uint8Array): Promise<void> => {
    if (!side.send(kind, bytes)) await drained();
  };
  try {
    for (const { path, text } of files) {
      const bytes = new TextEncoder().encode(text);
      await send(PAYLOAD_JSON, encodeJson({ path, bytes: bytes.length }));
      for (let start = 0; start < bytes.length; start += CHUNK_BYTES) {
        await send(PAYLOAD_BYTES, bytes.subarray(start, start + CHUNK_BYTES));
      }
    }
    side.end();
  } catch (error) {
    side.fail(PAYLOAD_JSON, encodeJson(reasonOf(error)));
  }
}

/** The reason for which sources cannot be transformed. */
export function reasonOf(error: unknown): string {
  if (error instanceof TransformError) return error.message;
  if (error instanceof RangeError)
    return "its syntax is nested too deeply, or its imports are, for the compiler";
  return `the compiler has failed: ${error instanceof Error ? error.message : String(error)}`;
}

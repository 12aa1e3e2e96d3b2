/**
 * A thread that transforms one folder after the other, and keeps the compiler: for services that are being developed, where
 * loading it takes longer than everything else of a deploy.
 */
import { createRequire } from "node:module";
import { parentPort } from "node:worker_threads";
import type ts from "typescript6";
import { type TransformedFile, transformFolder } from "./transform-folder.ts";
import { reasonOf } from "./transform-server.ts";

/** A folder to transform. Each is answered, in their order. */
export interface TransformRequest {
  readonly folder: string;
  readonly entry: string;
}

export type TransformReply =
  | { readonly files: readonly TransformedFile[] }
  | { readonly reason: string };

const compiler = createRequire(import.meta.url)("typescript6") as typeof ts;

parentPort?.on("message", (request: TransformRequest) => {
  parentPort?.postMessage(transform(request));
});

function transform(request: TransformRequest): TransformReply {
  try {
    return { files: [...transformFolder(compiler, request)] };
  } catch (error) {
    return { reason: reasonOf(error) };
  }
}

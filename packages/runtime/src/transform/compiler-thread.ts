/**
 * A thread that transforms one folder after the other, and keeps the compiler: for services that are being developed, where
 * loading it takes longer than everything else of a deploy.
 */
import { closeSync, constants, openSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { parentPort } from "node:worker_threads";
import type ts from "typescript6";
import { MARKER } from "../modules/module-hooks.ts";
import { transformFolder } from "./transform-folder.ts";
import { reasonOf } from "./transform-server.ts";

/** A folder whose sources become JavaScript. Each is answered, in their order. */
export interface TransformRequest {
  readonly folder: string;
  readonly entry: string;
}

export interface TransformReply {
  /** Why it has failed; undefined = it is done. */
  readonly reason: string | undefined;
}

const { O_CREAT, O_NOFOLLOW, O_TRUNC, O_WRONLY } = constants;
/** Nothing is written through a link to a file of the developer. */
const WRITES = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW;

const compiler = createRequire(import.meta.url)("typescript6") as typeof ts;

parentPort?.on("message", (request: TransformRequest) => {
  parentPort?.postMessage(transform(request));
});

function transform(request: TransformRequest): TransformReply {
  try {
    writeTransformed(request);
    return { reason: undefined };
  } catch (error) {
    return { reason: reasonOf(error) };
  }
}

/** Writes here, and all at once: for the host, each file would be several steps between those of calls. */
function writeTransformed(request: TransformRequest): void {
  const { folder } = request;
  let hasPackages = false;
  for (const { path, text } of transformFolder(compiler, request)) {
    const file = openSync(join(folder, path), WRITES, 0o644);
    writeFileSync(file, text);
    closeSync(file);
    hasPackages ||= path.includes("node_modules/");
  }
  const marker = join(folder, MARKER);
  rmSync(marker, { recursive: true, force: true });
  writeFileSync(marker, hasPackages ? "packages\n" : "typescript\n");
}

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** After so many bytes of messages, this process frees the buffers that it no longer uses. */
const FREE_AFTER_BYTES = 2 * 1024 * 1024;

let bytesPassed = 0;
let collect: ((options: { readonly type: "minor" }) => void) | undefined;

/**
 * Call it with the size of each message of a stream, or of a program. V8 alone would free unused buffers when they have reached
 * 64 MB: it counts only the small objects that refer to them. A program needs that memory. In a service, it would come from
 * the system again each time, page by page.
 */
export function countPassed(bytes: number): void {
  bytesPassed += bytes;
  if (bytesPassed < FREE_AFTER_BYTES) return;
  bytesPassed = 0;
  collect ??= findCollector();
  collect({ type: "minor" });
}

/** V8 shows the function to contexts that are made while the flag is set: to none of a service. */
function findCollector(): NonNullable<typeof collect> {
  setFlagsFromString("--expose-gc");
  const found: unknown = runInNewContext("gc");
  setFlagsFromString("--no-expose-gc");
  return typeof found === "function" ? (options) => found(options) : () => {};
}

const STREAMING = /(?:Chan|_chan)$|^chan$/;
const RESERVED = new Set(["newResource", "closeResource", "NewResource", "CloseResource"]);

/** True for a streaming method: the name ends in `Chan` or `_chan`, or is exactly `chan`. */
export function isStreamingName(method: string): boolean {
  return STREAMING.test(method);
}

/** True for the hooks, which only Lever may call. */
export function isReservedName(method: string): boolean {
  return RESERVED.has(method);
}

/** True when callers may call an exported function of this name. */
export function isCallableName(name: string): boolean {
  return !name.startsWith("_") && !RESERVED.has(name) && name !== "default";
}

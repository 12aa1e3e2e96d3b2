const STREAMING = /(?:Chan|_chan)$|^chan$/;
const RESERVED = new Set(["newResource", "closeResource", "NewResource", "CloseResource"]);

/** True for a streaming method: the name ends in `Chan` or `_chan`, or is exactly `chan`. */
export function isStreamingName(method: string): boolean {
  return STREAMING.test(method);
}

/** True for the hooks that only Lever itself calls. */
export function isReservedName(method: string): boolean {
  return RESERVED.has(method);
}

/** True when an exported function of this name is a method that callers may name. */
export function isCallableName(name: string): boolean {
  return !name.startsWith("_") && !RESERVED.has(name) && name !== "default";
}

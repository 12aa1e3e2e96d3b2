const PATH_BYTES_MAX = 1_024;
const SEGMENT_BYTES_MAX = 255;
const DEPTH_MAX = 64;

/**
 * The path of an archive's entry relative to the folder that it is unpacked into, `""` for the folder itself; or
 * `{ problem }`: why it is refused.
 */
export function entryPath(raw: string): string | { readonly problem: string } {
  if (raw.includes("\0")) return { problem: "its name holds a zero byte" };
  if (raw.startsWith("/")) return { problem: "its path is absolute" };
  if (Buffer.byteLength(raw) > PATH_BYTES_MAX) {
    return { problem: `its path is longer than ${PATH_BYTES_MAX} bytes` };
  }
  const segments = raw.split("/").filter((segment) => segment !== "" && segment !== ".");
  if (segments.includes("..")) return { problem: "its path leads out of the folder" };
  if (segments.length > DEPTH_MAX) return { problem: `it is more than ${DEPTH_MAX} folders deep` };
  if (segments.some((segment) => Buffer.byteLength(segment) > SEGMENT_BYTES_MAX)) {
    return { problem: `a name in its path is longer than ${SEGMENT_BYTES_MAX} bytes` };
  }
  return segments.join("/");
}

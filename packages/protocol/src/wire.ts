/**
 * The link's frames as bytes, for tests that write them by hand: `@leveros/protocol/wire`, only under the condition
 * `lever-source`.
 */
export { HEADER_BYTES, writeHeader } from "./link/frame.ts";
export { encodeHeader } from "./link/opening.ts";

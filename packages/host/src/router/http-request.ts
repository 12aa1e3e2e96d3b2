import { FETCH_METHOD } from "@leveros/protocol";
import type { CallHead } from "./call.ts";

/** True for a call that carries an HTTP request: `fetch` is no name of a streaming method, so no other stream calls it. */
export function isHttpRequest({
  target,
  isStream,
}: Pick<CallHead, "target" | "isStream">): boolean {
  return isStream && target.method === FETCH_METHOD;
}

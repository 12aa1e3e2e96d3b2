import type { CallContext } from "@leveros/protocol";
import { findInstanceLink } from "./instance-transport.ts";

/**
 * The call that the running code is answering: who calls, for which resource, how much time is left, and a signal that
 * tells when nobody waits for the answer any more. undefined outside of calls, and once the call has been answered.
 */
export function callContext(): CallContext | undefined {
  return findInstanceLink()?.activeCall();
}

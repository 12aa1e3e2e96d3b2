import type { CallContext } from "@leveros/protocol";
import { findInstanceLink } from "./instance-transport.ts";

/**
 * The call that the current code runs for: its caller, its resource, the time left, and a signal that is aborted when the
 * result will not be read. undefined outside of calls, and once the call has been answered.
 */
export function callContext(): CallContext | undefined {
  return findInstanceLink()?.activeCall();
}

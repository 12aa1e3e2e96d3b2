import type { CallRequest } from "@leveros/protocol";
import type { ChainLink } from "../router/chain-link.ts";

/**
 * The call in whose course a call was made that another host has passed on. Only its depth and its chain are known: its
 * instance is on another host. undefined = there is none.
 */
export function parentOnOtherHost({
  passedOn,
  number = 0,
  root = number,
  isSampled = false,
  trace,
}: Pick<CallRequest, "passedOn" | "number" | "root" | "isSampled" | "trace">):
  | ChainLink
  | undefined {
  const depth = (passedOn?.depth ?? 1) - 1;
  if (depth < 1) return undefined;
  return {
    number: root,
    root,
    isSampled,
    trace,
    depth,
    parent: undefined,
    isOn: () => false,
    usesOwnership: () => undefined,
  };
}

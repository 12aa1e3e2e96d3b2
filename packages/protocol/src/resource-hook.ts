import { type CallRequest, OUTSIDE, PAYLOAD_JSON } from "./call.ts";
import { encodeJson } from "./link/json-payload.ts";
import type { ResourceHook } from "./method-name.ts";

/** The call of a hook. Its arguments are the resource and the epoch of its ownership. */
export function hookRequest(
  hook: ResourceHook,
  options: { resource: string; epoch: number; timeoutMs: number; number?: number },
): CallRequest {
  const { resource, epoch, timeoutMs, number } = options;
  return {
    caller: OUTSIDE,
    target: { environment: "", service: "", resource, method: hook },
    isStream: false,
    timeoutMs,
    kind: PAYLOAD_JSON,
    body: encodeJson([resource, epoch]),
    number,
  };
}

import { type CallOpening, PAYLOAD_JSON } from "./call.ts";
import { encodeJson } from "./values.ts";

/** The service's own functions that are called when a resource comes to an instance, and when it leaves. */
export type ResourceHook = "newResource" | "closeResource";

/** The call of a hook, with the resource and the epoch of its ownership as arguments. */
export function hookOpening(
  hook: ResourceHook,
  { resource, epoch, timeoutMs }: { resource: string; epoch: number; timeoutMs: number },
): CallOpening {
  return {
    environment: "",
    service: "",
    resource,
    method: hook,
    isStream: false,
    timeoutMs,
    kind: PAYLOAD_JSON,
    body: encodeJson([resource, epoch]),
  };
}

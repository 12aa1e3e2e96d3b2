import { isCallableName, isStreamingName, LeverError, wrongMethodKind } from "@leveros/protocol";
import type { CallHead } from "./call.ts";
import { type EnvironmentAccess, unknownEnvironment } from "./environment-access.ts";
import { isHttpRequest } from "./http-request.ts";
import type { LiveVersion } from "./live-version.ts";

/** The environments and services that calls are checked against: the host's own, or a worker's copy of them. */
export interface CallTable<Service> {
  /** Calls from outside are refused. */
  readonly isClosing: boolean;
  environment(name: string):
    | {
        readonly access: EnvironmentAccess;
        readonly services: ReadonlyMap<string, Service>;
      }
    | undefined;
}

/** Finds the service that a call is for, or the error with which the call is refused. It needs no more than the head. */
export function findService<Service extends { readonly live: LiveVersion }>(
  request: CallHead,
  table: CallTable<Service>,
): Service | LeverError {
  const { target, caller, passedOn } = request;
  const { environment, service, method } = target;
  const isService = caller.kind === "service";
  // Other hosts still send the calls of resources that this one has not given back yet.
  if (table.isClosing && !isService && passedOn === undefined) {
    return new LeverError("unavailable", "Cannot take the call: Lever is stopping.", {
      retryAfterSeconds: 5,
    });
  }
  const known = table.environment(environment);
  if (known === undefined) return unknownEnvironment(environment);
  if (known.access.kind === "platform" && isService) {
    return new LeverError("forbidden", `Services may not call into ${environment}.`);
  }
  const found = known.services.get(service);
  if (found === undefined) {
    return new LeverError("unknown_service", `There is no service ${service} in ${environment}.`);
  }
  const { live } = found;
  if (live.isPrivate && !(isService && caller.environment === environment)) {
    return new LeverError(
      "private_service",
      `The service ${service} is private: only services of ${environment} may call it.`,
    );
  }
  const { methods } = live;
  if (methods === undefined ? !isCallableName(method) : !methods.includes(method)) {
    return new LeverError("unknown_method", `The service ${service} has no method ${method}.`);
  }
  const isStreaming = isStreamingName(method);
  if (isStreaming !== request.isStream) {
    // Gateways make these calls for callers outside, and services may not.
    const isAllowed = isHttpRequest(request) && methods !== undefined && !isService;
    if (!isAllowed) return wrongMethodKind(method, isStreaming);
  }
  return found;
}

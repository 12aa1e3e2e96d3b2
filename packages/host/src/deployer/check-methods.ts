import { LeverError, refuseMethodName } from "@leveros/protocol";

const NAME_SHOWN_MAX = 100;

/** @throws LeverError `invalid_service` when callers could not name one of the methods. */
export function checkMethods(service: string, methods: readonly string[]): void {
  for (const method of methods) {
    const reason = refuseMethodName(method);
    if (reason === undefined) continue;
    throw new LeverError(
      "invalid_service",
      `Cannot deploy ${service}: no URL can name its method ${JSON.stringify(method.slice(0, NAME_SHOWN_MAX))}, because ${reason}. Rename the exported function, or begin its name with _.`,
    );
  }
}

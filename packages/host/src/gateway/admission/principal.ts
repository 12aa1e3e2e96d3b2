import { type Caller, type LeverUrl, LOG_READER, OUTSIDE } from "@leveros/protocol";
import type { AccessRequest } from "../../access/access-request.ts";
import type { TokenIndex } from "../../access/token-index.ts";
import type { EnvironmentAccess } from "../../router/environment-access.ts";

/**
 * The caller of a request.
 * @throws LeverError `unauthorized`, `forbidden`
 */
export function authorize(
  access: TokenIndex,
  { target, request }: { readonly target: LeverUrl; readonly request: AccessRequest },
  environment: EnvironmentAccess | undefined,
): Caller {
  if (environment?.kind === "platform") {
    // The admin service checks rights by method, so it gets the principal with each call.
    return { kind: "admin", principal: access.adminPrincipal(request) };
  }
  const isPublic = environment?.isPublic === true;
  return access.checkInvoke(request, target.environment, isPublic) ? LOG_READER : OUTSIDE;
}

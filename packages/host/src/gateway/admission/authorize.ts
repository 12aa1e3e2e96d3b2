import type { AccessRequest, TokenIndex } from "../../access/token-index.ts";
import { type Caller, type CallRouter, OUTSIDE } from "../../router/router.ts";
import { checkHostHeader } from "./browser-origin.ts";

/**
 * Lets a call from outside pass, as whom it is made.
 * @throws LeverError `unauthorized`, `forbidden`
 */
export function authorize(
  { access, router }: { access: TokenIndex; router: CallRouter },
  environment: string,
  request: AccessRequest,
): Caller {
  const known = router.environment(environment)?.access;
  // Where every page may call, it need not pretend.
  if (known?.corsOrigins.has("*") === false && access.isTrustedByAddress(request)) {
    const refusal = checkHostHeader(request, (name) => router.environment(name) !== undefined);
    if (refusal !== undefined) throw refusal;
  }
  return authorizeProgram({ access, router }, environment, request);
}

/**
 * The same for a call that no page can make, under whatever host name.
 * @throws LeverError `unauthorized`, `forbidden`
 */
export function authorizeProgram(
  { access, router }: { access: TokenIndex; router: CallRouter },
  environment: string,
  request: AccessRequest,
): Caller {
  const known = router.environment(environment)?.access;
  if (known?.kind === "platform") {
    // Lever's own: it decides by method, and is told who asks.
    return { environment: "", service: access.adminPrincipal(request) };
  }
  access.checkInvoke(request, environment, known?.isPublic === true);
  return OUTSIDE;
}

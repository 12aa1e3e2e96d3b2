import type { IncomingHttpHeaders } from "node:http";
import type { Access } from "../access/access.ts";
import { type Caller, OUTSIDE, type Router } from "../router/router.ts";

/**
 * Lets a call from outside pass, as whom it is made.
 * @throws LeverError `unauthorized`, `forbidden`
 */
export function authorize(
  { access, router }: { access: Access; router: Router },
  environment: string,
  headers: IncomingHttpHeaders,
  remoteAddress: string | undefined,
): Caller {
  const known = router.environment(environment)?.access;
  if (known?.isOpenToInstances === false) {
    // Lever's own: it decides by method, and is told who asks.
    return { environment: "", service: access.adminKey({ headers, remoteAddress }) };
  }
  access.checkInvoke({ headers, remoteAddress }, environment, known?.isPublic === true);
  return OUTSIDE;
}

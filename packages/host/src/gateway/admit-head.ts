import type { AdmittedCall, IncomingCall } from "./admission/admit-call.ts";
import type { DoorOptions } from "./door-options.ts";

/**
 * Admits a call by its head, before its body is read.
 * @throws LeverError as `Admission.admitCall`, or the error with which the router would refuse the call.
 */
export function admitHead(
  { admission, router }: Pick<DoorOptions, "admission" | "router">,
  incoming: IncomingCall,
): AdmittedCall {
  const admitted = admission.admitCall(incoming);
  const refusal = router.refusal(admitted);
  if (refusal !== undefined) throw refusal;
  return admitted;
}

/** Does the same; undefined = the call is refused. */
export function tryAdmitHead(
  options: Pick<DoorOptions, "admission" | "router">,
  incoming: IncomingCall,
): AdmittedCall | undefined {
  try {
    return admitHead(options, incoming);
  } catch {
    return undefined;
  }
}

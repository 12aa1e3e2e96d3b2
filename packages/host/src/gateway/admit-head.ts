import { type AdmittedCall, countCall, type IncomingCall } from "./admission/admit-call.ts";
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
  if (refusal === undefined) return admitted;
  admission.meter.addRefusal(refusal.code);
  throw refusal;
}

/** Does the same; undefined = the call is refused, and not counted: it goes to another door. */
export function tryAdmitHead(
  options: Pick<DoorOptions, "admission" | "router">,
  incoming: IncomingCall,
): AdmittedCall | undefined {
  const { admission, router } = options;
  try {
    const admitted = admission.checkCall(incoming);
    if (router.refusal(admitted) !== undefined) return undefined;
    countCall(admission.meter, incoming);
    return admitted;
  } catch {
    return undefined;
  }
}

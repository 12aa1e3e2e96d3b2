import type { CallTarget, PassMark } from "@leveros/protocol";
import type { SubmittedCall } from "../router/call.ts";
import { isChainLink } from "../router/chain-link.ts";
import type { InstanceTarget } from "../router/instance-target.ts";
import { Lease } from "../router/lease.ts";
import type { HostTarget } from "../router/other-hosts.ts";

/** The places that a service has on another host, as far as this host has been told; or the way to owners of resources there. */
export class HostPlaces implements InstanceTarget, HostTarget {
  readonly isHost = true;
  readonly instance: string;
  readonly version = 0;
  readonly callee: CallTarget;
  callsInFlight = 0;
  streamsInFlight = 0;
  /** Told by the other host, less the calls that it was given since then. */
  free = 0;
  readonly #onFree: () => void;

  /** `open` passes a call on to the host. `onFree`: a call that waits may have the place of one that has ended. */
  constructor(
    host: { readonly name: string; readonly open: CallTarget["open"] },
    mark: PassMark,
    onFree: () => void = () => {},
  ) {
    this.instance = `host ${host.name}`;
    this.#onFree = onFree;
    this.callee = {
      open(request, listener, hasMore) {
        const depth = isChainLink(listener) ? listener.depth : 1;
        return host.open({ ...request, passedOn: { mark, depth } }, listener, hasMore);
      },
    };
  }

  give(call: SubmittedCall): void {
    this.callsInFlight++;
    if (call.isStream) this.streamsInFlight++;
    else this.free--;
    call.assign(new Lease(this, this, call, 0));
  }

  /** The call is over there, or was declined. */
  release({ isStream }: Pick<Lease, "isStream">): void {
    this.callsInFlight--;
    if (isStream) this.streamsInFlight--;
    else this.free++;
    if (this.free > 0) this.#onFree();
  }
}

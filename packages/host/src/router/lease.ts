import type { LeverError } from "@leveros/protocol";
import type { InstanceTarget } from "./instance-target.ts";

/** The route that a lease goes back to. */
interface Lessor {
  release(lease: Lease, now: number): void;
}

/** A call with a place on an instance. */
interface Leased {
  readonly resource: string;
  readonly isStream: boolean;
  readonly isRequest?: boolean;
  refuse(error: LeverError): void;
}

/** A call's place on an instance, counted there and at its resource until `end`. */
export class Lease {
  readonly target: InstanceTarget;
  readonly resource: string;
  readonly isStream: boolean;
  readonly call: Leased;
  /** Epoch of the resource's ownership when the call got its place. 0 without a resource. */
  readonly epoch: number;
  readonly #route: Lessor;

  constructor(route: Lessor, target: InstanceTarget, call: Leased, epoch: number) {
    this.#route = route;
    this.target = target;
    this.resource = call.resource;
    this.isStream = call.isStream;
    this.call = call;
    this.epoch = epoch;
  }

  /** The call is over. The place may go to a waiting call before this returns. Call it once. */
  end(now: number): void {
    this.#route.release(this, now);
  }
}

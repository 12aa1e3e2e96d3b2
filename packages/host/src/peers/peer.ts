import {
  type CallHandle,
  type CallListener,
  type CallRequest,
  closedSide,
  LeverError,
  serviceKey,
} from "@leveros/protocol";
import { HostPlaces } from "./host-places.ts";
import type { ServiceName } from "./owner-hints.ts";
import type { PeerLink } from "./peer-link.ts";
import type { ToldPlaces } from "./peer-messages.ts";

/** A host as the cluster's table has it. */
export interface PeerRow {
  readonly id: string;
  readonly name: string;
  readonly address: string;
  readonly fingerprint: string;
}

/** Another host of the cluster: the link to it, and the places that it has told. */
export class Peer {
  row: PeerRow;
  readonly atOwner: HostPlaces;
  readonly mayPlace: HostPlaces;
  #link: PeerLink | undefined;
  readonly #places = new Map<string, HostPlaces>();
  readonly #onFree: (service: ServiceName) => void;

  /** `onFree`: a service has a free place there. */
  constructor(row: PeerRow, onFree: (service: ServiceName) => void) {
    this.row = row;
    this.#onFree = onFree;
    this.atOwner = new HostPlaces(this, "at owner");
    this.mayPlace = new HostPlaces(this, "may place");
  }

  get name(): string {
    return this.row.name;
  }

  get link(): PeerLink | undefined {
    return this.#link;
  }

  /** A new link knows of no places. */
  set link(link: PeerLink | undefined) {
    this.#link = link;
    this.#places.clear();
  }

  /** It gets calls. */
  get isUp(): boolean {
    return this.#link?.isResponsive === true;
  }

  /** The places of a service; undefined = it has no instance there, as far as is known, or the host gets no calls. */
  placesOf(key: string): HostPlaces | undefined {
    return this.isUp ? this.#places.get(key) : undefined;
  }

  told({ environment, service, free }: ToldPlaces): void {
    const key = serviceKey(environment, service);
    if (free === undefined) {
      this.#places.delete(key);
      return;
    }
    let places = this.#places.get(key);
    if (places === undefined) {
      places = new HostPlaces(this, "place", () => this.#onFree({ environment, service }));
      this.#places.set(key, places);
    }
    places.free = free;
    if (free > 0) this.#onFree({ environment, service });
  }

  open(request: CallRequest, listener: CallListener, hasMore: boolean): CallHandle {
    if (this.#link !== undefined) return this.#link.open(request, listener, hasMore);
    const error = new LeverError(
      "unavailable",
      `Cannot pass the call on: there is no connection to the host ${this.name}.`,
      { retryAfterSeconds: 1 },
    );
    queueMicrotask(() => {
      if (listener.onUnread === undefined) listener.onAbort(error);
      else listener.onUnread(error);
    });
    return closedSide;
  }
}

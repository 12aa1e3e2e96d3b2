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
import type { ToldLoad, ToldPlaces, ToldRoom } from "./peer-messages.ts";

/** A host as the cluster's table has it. */
export interface PeerRow {
  readonly id: string;
  readonly name: string;
  readonly address: string;
  readonly fingerprint: string;
}

/** The load of a service on another host. */
export interface PeerLoad extends ToldLoad {
  /** By the clock of this host. */
  readonly lastUsedAt: number;
}

/** Another host of the cluster: the link to it, and the places that it has told. */
export class Peer {
  row: PeerRow;
  readonly atOwner: HostPlaces;
  readonly mayPlace: HostPlaces;
  /** It has told that it takes new work: calls for which it starts instances, and resources without an owner. */
  isTaking = false;
  /** undefined = it has told nothing yet. */
  room: ToldRoom | undefined;
  #link: PeerLink | undefined;
  readonly #places = new Map<string, HostPlaces>();
  readonly #loads = new Map<string, PeerLoad>();
  readonly #onFree: (service: ServiceName) => void;

  /** `onFree`: a service has a free place there. */
  constructor(row: PeerRow, onFree: (service: ServiceName) => void) {
    this.row = row;
    this.#onFree = onFree;
    this.atOwner = new HostPlaces(this, "at owner");
    this.mayPlace = new HostPlaces(this, "may place");
  }

  get id(): string {
    return this.row.id;
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
    this.isTaking = false;
    this.#places.clear();
    this.#loads.clear();
    this.room = undefined;
  }

  /** It gets calls: those of its resources, and others while it takes them. */
  get isUp(): boolean {
    return this.#link?.isResponsive === true;
  }

  /** The places of a service; undefined = it has no instance there, as far as is known, or the host gets no calls. */
  placesOf(key: string): HostPlaces | undefined {
    return this.isUp ? this.#places.get(key) : undefined;
  }

  /** Services with calls or instances there. */
  get loaded(): Iterable<string> {
    return this.#loads.keys();
  }

  /** The load of a service there; undefined = it has neither calls nor instances. */
  loadOf(key: string): PeerLoad | undefined {
    return this.#loads.get(key);
  }

  /** Tells it how many instances of a service this host, as the home of the service, wants there. */
  tell(service: string, wanted: number): void {
    this.#link?.send({ type: "places", services: [], wanted: [{ service, wanted }] });
  }

  /** `now`: by the clock of this host. */
  told({ environment, service, free, load }: ToldPlaces, now: number): void {
    const key = serviceKey(environment, service);
    if (load === undefined) this.#loads.delete(key);
    else this.#loads.set(key, { ...load, lastUsedAt: now - load.idleMs });
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

import { serviceKey } from "@leveros/protocol";
import type { Clock } from "../clock.ts";
import type { ToldLoad, ToldPlaces, ToldRoom } from "./peer-messages.ts";

/** Shortest time between two messages about the places on this host. */
export const TELL_EVERY_MS = 250;

/** The router, as far as its places are told. */
export interface TellingRouter {
  readonly environments: ReadonlyMap<
    string,
    {
      readonly access: { readonly kind: "services" | "platform" };
      readonly services: ReadonlyMap<
        string,
        { readonly hasInstances: boolean; readonly freePlaces: number }
      >;
    }
  >;
}

/** The instances of this host, as far as their load is told. */
export interface TellingFleet {
  /** undefined = the service has neither calls nor instances. `lastUsedAt`: by the clock of this host. */
  loadOf(service: string): (Omit<ToldLoad, "idleMs"> & { readonly lastUsedAt: number }) | undefined;
  readonly room: ToldRoom;
}

type TimedLoad = NonNullable<ReturnType<TellingFleet["loadOf"]>>;

/** A service as it was told. */
interface Told {
  readonly environment: string;
  readonly service: string;
  readonly free: number | undefined;
  readonly load: TimedLoad | undefined;
}

/** A use of a service is told when it is so much later than the one that was told. */
const USED_MS = 1_000;

/** Finds out which services have other free places, or another load, than other hosts have been told. */
export class PlacesTeller {
  readonly #router: TellingRouter;
  readonly #clock: Clock;
  readonly #fleet: TellingFleet | undefined;
  #told = new Map<string, Told>();
  #room: ToldRoom | undefined;

  constructor(router: TellingRouter, clock: Clock, fleet?: TellingFleet) {
    this.#router = router;
    this.#clock = clock;
    this.#fleet = fleet;
  }

  /** All that was told: for a host that knows nothing yet. */
  get told(): readonly ToldPlaces[] {
    return [...this.#told.values()].map((told) => this.#message(told));
  }

  get room(): ToldRoom | undefined {
    return this.#fleet?.room;
  }

  /** The memory for instances, if other hosts have been told another one. */
  roomChange(): ToldRoom | undefined {
    const { room } = this;
    const { ramReserved, ramMax } = this.#room ?? {};
    if (room === undefined || (room.ramReserved === ramReserved && room.ramMax === ramMax)) {
      return undefined;
    }
    this.#room = room;
    return room;
  }

  /** The changes since the last call. `isTaking` false = this host takes no calls of others any more. */
  changes(isTaking: boolean): readonly ToldPlaces[] {
    const before = this.#told;
    const now = new Map<string, Told>();
    const changes: ToldPlaces[] = [];
    for (const [environment, { access, services }] of this.#router.environments) {
      // Each host has an admin service of its own.
      if (access.kind === "platform") continue;
      for (const [service, { hasInstances, freePlaces }] of services) {
        const key = serviceKey(environment, service);
        const free = isTaking && hasInstances ? freePlaces : undefined;
        const load = this.#fleet?.loadOf(key);
        if (free === undefined && load === undefined) continue;
        const told = { environment, service, free, load };
        const last = before.get(key);
        const isSame = last !== undefined && last.free === free && isSameLoad(last.load, load);
        now.set(key, isSame ? last : told);
        if (!isSame) changes.push(this.#message(told));
      }
    }
    for (const [key, { environment, service }] of before) {
      if (!now.has(key)) changes.push({ environment, service, free: undefined });
    }
    this.#told = now;
    return changes;
  }

  #message({ environment, service, free, load }: Told): ToldPlaces {
    if (load === undefined) return { environment, service, free };
    const { lastUsedAt, ...counts } = load;
    const idleMs = Math.max(0, Math.round(this.#clock.now() - lastUsedAt));
    return { environment, service, free, load: { ...counts, idleMs } };
  }
}

function isSameLoad(told: TimedLoad | undefined, now: TimedLoad | undefined): boolean {
  if (told === undefined || now === undefined) return told === now;
  return (
    told.callsInFlight === now.callsInFlight &&
    told.callsWaiting === now.callsWaiting &&
    told.running === now.running &&
    told.callsPassedOn === now.callsPassedOn &&
    told.told === now.told &&
    now.lastUsedAt - told.lastUsedAt < USED_MS
  );
}

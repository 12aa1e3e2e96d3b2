import { serviceKey } from "@leveros/protocol";
import type { ToldPlaces } from "./peer-messages.ts";

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

/** Finds out which services have other free places than other hosts have been told. */
export class PlacesTeller {
  readonly #router: TellingRouter;
  #told = new Map<string, ToldPlaces>();

  constructor(router: TellingRouter) {
    this.#router = router;
  }

  /** All that was told: for a host that knows nothing yet. */
  get told(): readonly ToldPlaces[] {
    return [...this.#told.values()];
  }

  /** The changes since the last call. `isOpen` false = this host takes no calls of others any more. */
  changes(isOpen: boolean): readonly ToldPlaces[] {
    const before = this.#told;
    const now = new Map<string, ToldPlaces>();
    const changes: ToldPlaces[] = [];
    if (isOpen) {
      for (const [environment, { access, services }] of this.#router.environments) {
        // Each host has an admin service of its own.
        if (access.kind === "platform") continue;
        for (const [service, { hasInstances, freePlaces }] of services) {
          if (!hasInstances) continue;
          const key = serviceKey(environment, service);
          const places = { environment, service, free: freePlaces };
          now.set(key, places);
          if (before.get(key)?.free !== places.free) changes.push(places);
        }
      }
    }
    for (const [key, { environment, service }] of before) {
      if (!now.has(key)) changes.push({ environment, service, free: undefined });
    }
    this.#told = now;
    return changes;
  }
}

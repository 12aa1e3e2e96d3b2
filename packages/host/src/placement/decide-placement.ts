/** A host as the place of instances of one service. */
export interface PlacementHost {
  readonly id: string;
  /** It starts instances: it is neither draining nor lost. */
  readonly isOpen: boolean;
  /** Its instances have the isolation that the environment needs. */
  readonly canIsolate: boolean;
  /** Megabytes for instances of all services, and how many of them are not reserved. */
  readonly ramMax: number;
  readonly ramFree: number;
  /** Instances of the service. undefined = the host does not answer at the moment. */
  readonly running: number | undefined;
  /** Calls of the service that came in there. */
  readonly load: number;
}

/** A service whose instances are placed. */
export interface PlacedService {
  /** Instances that it should have on all hosts together. */
  readonly wanted: number;
  readonly minInstances: number;
  /** Calls that one instance should carry. */
  readonly maxInstanceLoad: number;
  /** Megabytes for one instance. */
  readonly ram: number;
  /** The last decision, by the host's id. A host that is not there counts with its instances. */
  readonly before: ReadonlyMap<string, number>;
}

export interface Placement {
  /** Instances for each host, by its id. */
  readonly counts: ReadonlyMap<string, number>;
  /** Instances for which no host has memory. */
  readonly missing: number;
}

interface Place {
  readonly host: PlacementHost;
  count: number;
}

/**
 * Decides how many instances of a service each host has. What was decided before stays as far as it can:
 *
 * - An instance is added where one runs that was not decided; with `minInstances` of 2 or more, where there is none yet; beyond
 *   `minInstances`, where more calls come in than the instances there should carry; then where the least of the memory is
 *   reserved after it, so that hosts of different sizes fill up evenly.
 * - An instance is taken away where it has not started, and then in the opposite order.
 * - With `minInstances` of 2 or more, one moves from a host with several to one that has none.
 */
export function decidePlacement(
  service: PlacedService,
  hosts: readonly PlacementHost[],
): Placement {
  const places = hosts
    .filter(({ isOpen, canIsolate }) => isOpen && canIsolate)
    .map((host): Place => ({ host, count: keptOn(host, service) }))
    .sort((one, other) => (one.host.id < other.host.id ? -1 : 1));
  let total = places.reduce((sum, { count }) => sum + count, 0);
  for (; total > service.wanted; total--) {
    const from = best(
      places.filter(({ count }) => count > 0),
      (place) => toTake(place, service, places),
    );
    if (from === undefined) break;
    from.count--;
  }
  for (; total < service.wanted; total++) {
    const to = best(
      places.filter((place) => hasRoom(place, service)),
      (place) => toAdd(place, service, { placed: total }),
    );
    if (to === undefined) break;
    to.count++;
  }
  spread(places, service);
  const counts = new Map(hosts.map(({ id }) => [id, 0]));
  for (const { host, count } of places) counts.set(host.id, count);
  return { counts, missing: Math.max(0, service.wanted - total) };
}

/** The instances that were decided for the host, as far as it has memory for them. */
function keptOn(host: PlacementHost, { before, ram }: PlacedService): number {
  const { id, running } = host;
  const decided = before.get(id) ?? running ?? 0;
  return running === undefined ? decided : Math.min(decided, running + fitting(host, ram));
}

/** Further instances that the host has memory for. */
function fitting({ ramFree }: PlacementHost, ram: number): number {
  return Math.max(0, Math.floor(ramFree / ram));
}

function hasRoom({ host, count }: Place, { ram }: PlacedService): boolean {
  return host.running !== undefined && count < host.running + fitting(host, ram);
}

/** The share of the memory that is reserved when the host has so many instances of the service. */
function reservedWith({ host }: Place, count: number, { ram }: PlacedService): number {
  const { ramMax, ramFree, running = 0 } = host;
  return (ramMax - ramFree + (count - running) * ram) / ramMax;
}

/** Calls that come in at the host, beyond those that so many instances should carry. */
function unserved({ host }: Place, count: number, { maxInstanceLoad }: PlacedService): number {
  return Math.max(0, host.load - count * maxInstanceLoad);
}

/** Ranks of a place: the lower one of the first that differs wins. */
type Ranks = readonly number[];

function toAdd(
  place: Place,
  service: PlacedService,
  { placed }: { readonly placed: number },
): Ranks {
  const { host, count } = place;
  const isSpread = service.minInstances >= 2;
  return [
    isSpread && count > 0 ? 1 : 0,
    (host.running ?? 0) > count ? 0 : 1,
    placed < service.minInstances ? 0 : -unserved(place, count, service),
    reservedWith(place, count + 1, service),
  ];
}

function toTake(place: Place, service: PlacedService, places: readonly Place[]): Ranks {
  const { host, count } = place;
  const isAnyTwice = service.minInstances >= 2 && places.some((other) => other.count > 1);
  return [
    isAnyTwice && count === 1 ? 1 : 0,
    (host.running ?? 0) < count ? 0 : 1,
    unserved(place, count - 1, service),
    -reservedWith(place, count, service),
  ];
}

function spread(places: readonly Place[], service: PlacedService): void {
  if (service.minInstances < 2) return;
  for (;;) {
    const to = best(
      places.filter((place) => place.count === 0 && hasRoom(place, service)),
      (place) => toAdd(place, service, { placed: 0 }),
    );
    const from = best(
      places.filter(({ count }) => count > 1),
      (place) => toTake(place, service, places),
    );
    const used = places.filter(({ count }) => count > 0).length;
    if (to === undefined || from === undefined || used >= service.minInstances) return;
    from.count--;
    to.count++;
  }
}

/** The first one of those with the lowest ranks. */
function best(places: readonly Place[], ranksOf: (place: Place) => Ranks): Place | undefined {
  let found: { readonly place: Place; readonly ranks: Ranks } | undefined;
  for (const place of places) {
    const ranks = ranksOf(place);
    if (found === undefined || isLower(ranks, found.ranks)) found = { place, ranks };
  }
  return found?.place;
}

function isLower(one: Ranks, other: Ranks): boolean {
  const at = one.findIndex((rank, index) => rank !== other[index]);
  return at !== -1 && (one[at] ?? 0) < (other[at] ?? 0);
}

import {
  decideInstances,
  decideShare,
  type HostLoad,
  type PlacedHost,
  Placement,
  type RecentNeeds,
} from "@leveros/host/parts";
import { seededRandom } from "../../harness/seeded-random.ts";
import { VirtualClock } from "../../harness/virtual-clock.ts";

const SERVICE = "dev.lever/svc";
const RAM = 100;
const START_MS = 300;
const STEP_MS = 250;
const LIMITS = { scaleDownAfterMs: 45_000, idleTimeoutMs: 300_000 };
/** After so long without faults and changes of the load, everything has settled. */
const PEACE_MS = 60_000;

type Random = () => number;

/** What a host has been told by another one. */
interface View {
  readonly load: HostLoad;
  readonly ramReserved: number;
  readonly isTaking: boolean;
}

/** A host: the real placement, and instances that take time to start. What it tells others comes late, or not at all. */
class PlacedSimulation {
  readonly id: string;
  readonly ramMax: number;
  readonly placement: Placement;
  readonly views = new Map<string, View>();
  isAlive = true;
  isDraining = false;
  calls = 0;
  lastUsedAt = 0;
  running = 0;
  ready = 0;
  recent: RecentNeeds = [];
  readonly #world: PlacementWorld;

  constructor(world: PlacementWorld, id: string, ramMax: number) {
    this.#world = world;
    this.id = id;
    this.ramMax = ramMax;
    this.placement = new Placement({
      self: id,
      hosts: () => world.hosts.map((other) => this.#seen(other)),
      pinned: () => [SERVICE],
      rulesOf: () => ({ ...world.rules, ram: RAM, needsNetwork: false }),
      decide: decideInstances,
      limits: LIMITS,
      onTold() {},
      clock: world.clock,
    });
    this.#step();
  }

  get isTaking(): boolean {
    return !this.isDraining;
  }

  #seen(other: PlacedSimulation): PlacedHost {
    const isSelf = other === this;
    const isUp = isSelf || (other.isAlive && this.#world.isLinked(this, other));
    const view = isSelf ? other.told() : isUp ? this.views.get(other.id) : undefined;
    return {
      id: other.id,
      name: other.id,
      isUp,
      isTaking: view?.isTaking ?? true,
      room: view && {
        ramMax: other.ramMax,
        ramReserved: view.ramReserved,
        restrictsNetworks: false,
      },
      loaded: view === undefined ? [] : [SERVICE],
      loadOf: () => view?.load,
      tell: (service, wanted) =>
        isSelf
          ? this.placement.onWanted(service, wanted)
          : this.#world.send(this, other, () => other.placement.onWanted(service, wanted)),
    };
  }

  /** The host that takes the calls that come in here; undefined = they wait. */
  get #taker(): PlacedSimulation | undefined {
    if (this.ready > 0) return this;
    return this.#world.hosts.find(
      (other) => other.isAlive && other.ready > 0 && this.#world.isLinked(this, other),
    );
  }

  told(): View {
    const { calls, running, lastUsedAt, isTaking } = this;
    const taker = this.#taker;
    const taken = this.#world.hosts.filter((other) => other.isAlive && other.#taker === this);
    const load = {
      callsInFlight: taken.reduce((sum, other) => sum + other.calls, 0),
      callsWaiting: taker === undefined ? calls : 0,
      running,
      callsPassedOn: taker === undefined || taker === this ? 0 : calls,
      lastUsedAt,
      told: this.placement.toldOf(SERVICE),
    };
    return { load, ramReserved: running * RAM, isTaking };
  }

  /** It is started again, and knows nothing. */
  restart(): void {
    this.isAlive = true;
    this.views.clear();
    this.recent = [];
  }

  die(): void {
    this.isAlive = false;
    this.running = 0;
    this.ready = 0;
    this.placement.forget(SERVICE);
  }

  #step(): void {
    const world = this.#world;
    world.clock.setTimeout(() => this.#step(), STEP_MS);
    if (!this.isAlive) return;
    const now = world.clock.now();
    if (this.calls > 0) this.lastUsedAt = now;
    this.#scale(now);
    const told = this.told();
    for (const other of world.hosts) {
      if (other !== this) world.send(this, other, () => other.views.set(this.id, told));
    }
    this.placement.look();
  }

  #scale(now: number): void {
    const { rules, clock } = this.#world;
    const { callsInFlight, callsWaiting } = this.told().load;
    const decision = decideShare(
      this.recent,
      { ...rules, callsInFlight, callsWaiting, running: this.running },
      { share: this.placement.shareOf(SERVICE), now, ...LIMITS },
    );
    this.recent = decision.recent;
    const wanted = this.isDraining ? 0 : decision.wanted;
    if (wanted < this.running) {
      this.running = wanted;
      this.ready = Math.min(this.ready, wanted);
    }
    while (this.running < wanted && (this.running + 1) * RAM <= this.ramMax) {
      this.running++;
      clock.setTimeout(() => {
        this.ready = Math.min(this.ready + 1, this.running);
      }, START_MS);
    }
  }
}

/** Hosts that place the instances of one service. */
class PlacementWorld {
  readonly clock = new VirtualClock();
  readonly rules: {
    readonly minInstances: number;
    readonly maxInstances: number;
    readonly maxInstanceLoad: number;
  };
  readonly hosts: PlacedSimulation[] = [];
  readonly random: Random;
  readonly #cut = new Set<string>();

  constructor(random: Random) {
    this.random = random;
    const minInstances = Math.floor(random() * 7);
    const maxInstances = Math.max(minInstances, 1) + Math.floor(random() * 10);
    this.rules = { minInstances, maxInstances, maxInstanceLoad: 10 };
    const count = 1 + Math.floor(random() * 5);
    for (let i = 0; i < count; i++) {
      const ramMax = 200 + Math.floor(random() * 8) * 100;
      this.hosts.push(new PlacedSimulation(this, `host-${i}`, ramMax));
    }
  }

  isLinked(one: PlacedSimulation, other: PlacedSimulation): boolean {
    return !this.#cut.has(linkName(one, other));
  }

  send(from: PlacedSimulation, to: PlacedSimulation, receive: () => void): void {
    if (!this.isLinked(from, to)) return;
    this.clock.setTimeout(
      () => {
        if (from.isAlive && to.isAlive && this.isLinked(from, to)) receive();
      },
      1 + this.random() * 60,
    );
  }

  /** Something happens: calls come or go, or a host or a link fails. */
  disturb(): void {
    const { hosts, random } = this;
    const host = hosts[Math.floor(random() * hosts.length)];
    const other = hosts[Math.floor(random() * hosts.length)];
    if (host === undefined || other === undefined) return;
    const what = random();
    if (what < 0.5) host.calls = random() < 0.3 ? 0 : Math.floor(random() * 60);
    else if (what < 0.65) host.isDraining = !host.isDraining;
    else if (what < 0.8) this.#toggle(host);
    else if (host !== other) this.#toggleLink(host, other);
  }

  /** Everything works again. */
  makePeace(): void {
    for (const host of this.hosts) {
      if (!host.isAlive) this.#toggle(host);
      host.isDraining = false;
      for (const other of this.hosts) {
        if (host !== other && !this.isLinked(host, other)) this.#toggleLink(host, other);
      }
    }
    // One host stays away from the others in some worlds.
    const [first, second] = this.hosts;
    if (second !== undefined && first !== undefined && this.random() < 0.3) first.isDraining = true;
  }

  #toggle(host: PlacedSimulation): void {
    if (host.isAlive) host.die();
    else host.restart();
  }

  #toggleLink(one: PlacedSimulation, other: PlacedSimulation): void {
    if (!this.#cut.delete(linkName(one, other))) this.#cut.add(linkName(one, other));
    one.views.delete(other.id);
    other.views.delete(one.id);
  }
}

function linkName(one: PlacedSimulation, other: PlacedSimulation): string {
  return [one.id, other.id].sort().join(" ");
}

/** Runs a world of one seed. Returns what was wrong when it had settled. */
export function simulatePlacement(seed: number): readonly string[] {
  const random = seededRandom(seed);
  const world = new PlacementWorld(random);
  const { clock, hosts, rules } = world;
  clock.advance(10_000);
  for (let i = 0; i < 40; i++) {
    world.disturb();
    clock.advance(random() * 8_000);
  }
  world.makePeace();
  clock.advance(PEACE_MS);
  const before = hosts.map(({ running }) => running).join(" ");
  const open = hosts.filter(({ isDraining }) => !isDraining);
  const sum = (of: (host: PlacedSimulation) => number): number =>
    hosts.reduce((total, host) => total + of(host), 0);
  const total = sum(({ running }) => running);
  const load = sum(({ calls }) => calls);
  const fitting = open.reduce((most, { ramMax }) => most + Math.floor(ramMax / RAM), 0);
  const needed = Math.ceil(load / rules.maxInstanceLoad);
  const least = Math.min(Math.max(needed, rules.minInstances), rules.maxInstances, fitting);
  const wrong: string[] = [];
  const check = (isRight: boolean, what: string): void => {
    if (!isRight) wrong.push(`${what} (${before}; ${JSON.stringify(rules)}, ${load} calls)`);
  };
  const homes = hosts.filter(({ placement }) => placement.explain(SERVICE).decided !== undefined);
  check(homes.length <= 1, `${homes.length} hosts act as the home`);
  check(total >= least, `${total} instances, and ${least} are needed`);
  check(total <= Math.max(least, 1), `${total} instances, and ${least} are enough`);
  check(
    hosts.every((of) => of.running * RAM <= of.ramMax),
    "a host has too many",
  );
  check(
    hosts.every((of) => !of.isDraining || of.running === 0),
    "a draining host has some",
  );
  const used = open.filter(({ running }) => running > 0).length;
  const isSpread = used >= Math.min(rules.minInstances, open.length, total);
  check(rules.minInstances < 2 || isSpread, `instances on ${used} hosts only`);
  clock.advance(PEACE_MS);
  const after = hosts.map(({ running }) => running).join(" ");
  check(after === before, `instances move without a reason, to ${after}`);
  return wrong;
}

import type { ClusterWorld } from "./cluster-world.ts";
import type { SimulatedHost } from "./simulated-host.ts";
import type { SimulatedServer } from "./simulated-server.ts";

/** A second fault of a machine whose host is paused. The promises hold for one of them at a time. */
type SecondFault = "instances block" | "keepers die" | "machines sleep";

const SECOND_FAULTS: readonly SecondFault[] = ["instances block", "keepers die", "machines sleep"];

/** Longer than a lease, and than the time after which another host takes over. */
const LONG_MS = 13_000;

type Statement = "renew" | "claim";

/** The host that a fault is for, and how long it lasts. */
interface Victim {
  readonly server: SimulatedServer;
  readonly host: SimulatedHost;
  readonly shortMs: number;
  readonly longMs: number;
  /** One of the two. */
  readonly anyMs: number;
}

/** Breaks things at moments that the seed decides, some of them right after a host has sent a statement. */
export class ClusterFaults {
  readonly #world: ClusterWorld;
  readonly #second: SecondFault;
  readonly #untilMs: number;
  #ambush: { readonly kind: Statement; readonly run: (host: SimulatedHost) => void } | undefined;
  /** Only the last plan counts. */
  #round = 0;

  constructor(world: ClusterWorld, untilMs: number) {
    this.#world = world;
    this.#untilMs = untilMs;
    this.#second = world.oneOf(SECOND_FAULTS) ?? "instances block";
    this.#plan(world.chance(0.3));
  }

  /** A host has just sent a statement. */
  onSent(host: SimulatedHost, kind: Statement): void {
    const ambush = this.#ambush;
    if (ambush?.kind !== kind || this.#world.isPeaceful) return;
    this.#ambush = undefined;
    ambush.run(host);
    this.#plan(this.#world.chance(0.7));
  }

  /** Plans the next fault. A quiet time lets other hosts take over what the last one has left. */
  #plan(isQuiet: boolean): void {
    const { random } = this.#world;
    const round = ++this.#round;
    this.#world.after(isQuiet ? LONG_MS + random() * 5_000 : random() * 3_000, () => {
      if (round !== this.#round || this.#world.trueMs >= this.#untilMs) return;
      this.#strike();
      this.#plan(this.#world.chance(0.3));
    });
  }

  #strike(): void {
    const { random, servers } = this.#world;
    const server = this.#world.oneOf(servers);
    const { host } = server ?? {};
    if (server === undefined || host === undefined) return;
    const shortMs = random() * 4_000;
    const longMs = LONG_MS + random() * 8_000;
    const victim = { server, host, shortMs, longMs, anyMs: random() < 0.5 ? shortMs : longMs };
    let left = random() * this.#kinds.reduce((sum, [weight]) => sum + weight, 0);
    const kind = this.#kinds.find(([weight]) => {
      left -= weight;
      return left < 0;
    });
    kind?.[1](victim);
  }

  /** Each with its weight. */
  readonly #kinds: readonly (readonly [weight: number, run: (victim: Victim) => void])[] = [
    [20, ({ server, anyMs }) => this.#pause(server, anyMs)],
    [20, ({ longMs }) => this.#pauseAtClaim(longMs)],
    [15, ({ longMs }) => this.#pauseAtRenewal(longMs)],
    [12, ({ host, anyMs }) => this.#cut(host.name, "database", anyMs)],
    [8, ({ server, anyMs }) => this.#cutFromPeer(server, anyMs)],
    [6, ({ server, shortMs }) => server.killHost(100 + shortMs)],
    [2, ({ server, longMs }) => server.killHost(longMs)],
    [4, ({ server, longMs }) => server.turnOff(longMs)],
    [5, ({ server }) => this.#world.oneOf([...server.instances])?.kill()],
    [4, ({ anyMs }) => this.#world.database.stop(anyMs / 2)],
    [4, ({ shortMs }) => this.#promote(shortMs / 2)],
    [5, ({ host, anyMs }) => this.#drain(host, anyMs)],
  ];

  #pauseAtClaim(ms: number): void {
    const run = ({ name }: SimulatedHost): void => {
      const server = this.#world.servers.find(({ machine }) => machine.name === name);
      if (server !== undefined) this.#pause(server, ms);
    };
    this.#ambush = { kind: "claim", run };
  }

  /** The host is paused while the answer is on its way, and cut off when it goes on. */
  #pauseAtRenewal(ms: number): void {
    const run = (host: SimulatedHost): void => {
      host.pause(3_000 + this.#world.random() * 4_000);
      this.#world.after(50, () => this.#cut(host.name, "database", ms));
    };
    this.#ambush = { kind: "renew", run };
  }

  /** Pauses the host, and breaks what watches its instances meanwhile. */
  #pause({ host, machine, instances, keeper }: SimulatedServer, ms: number): void {
    const isBad = this.#world.chance(0.8);
    if (isBad && this.#second === "machines sleep") {
      machine.sleep(ms);
      this.#world.after(ms, () => this.#world.judge.onAwake());
      return;
    }
    host?.pause(ms);
    if (isBad && this.#second === "keepers die") keeper?.die();
    if (isBad && this.#second === "instances block") for (const one of instances) one.pause(ms);
  }

  /** One direction, the other, or both. */
  #cut(one: string, other: string, ms: number): void {
    const { network, random } = this.#world;
    const what = random();
    if (what < 0.7) network.cut(one, other, ms);
    if (what > 0.3) network.cut(other, one, ms);
  }

  #cutFromPeer(server: SimulatedServer, ms: number): void {
    const others = this.#world.servers.filter((one) => one !== server);
    const other = this.#world.oneOf(others);
    if (other !== undefined) this.#cut(server.machine.name, other.machine.name, ms);
  }

  /** The standby's clock may be far ahead, or behind. */
  #promote(afterMs: number): void {
    this.#world.database.promote(200 + afterMs, (this.#world.random() - 0.3) * 40_000);
  }

  #drain(host: SimulatedHost, ms: number): void {
    host.isLeaving = true;
    this.#world.after(ms, () => {
      host.isLeaving = false;
    });
  }
}

import { type InstanceTarget, Router } from "@leveros/host/parts";
import {
  type CallRequest,
  closedSide,
  defaultLimits,
  ignoredEvents,
  OUTSIDE,
  PAYLOAD_JSON,
} from "@leveros/protocol";
import { quantile } from "../harness/load.ts";
import { seededRandom } from "../harness/seeded-random.ts";
import { VirtualClock } from "../harness/virtual-clock.ts";

/** A service with all the instances that it may have, and its callers. Times are in simulated milliseconds. */
export interface OverloadWorld {
  /** Mean time of a call in the method: it takes from half of it to 1.5 times that. */
  readonly serviceMs: number;
  readonly instances: number;
  /** Calls that one instance carries at once. */
  readonly maxInstanceLoad: number;
  readonly seed: number;
}

/** One call: when it was made, and how and after which time it was answered. */
interface Answered {
  readonly at: number;
  readonly ms: number;
  readonly isServed: boolean;
}

const body = new TextEncoder().encode("[]");
const environment = "dev.lever";

/** The host's own router before one full service. Callers come and go as a test says. */
export class SimulatedOverload {
  readonly clock = new VirtualClock();
  readonly answers: Answered[] = [];
  /** When callers came who had to wait and were served. */
  readonly waitedFrom: number[] = [];
  readonly #world: OverloadWorld;
  readonly #random: () => number;
  readonly #router: Router;
  #standsUntil = 0;

  constructor(world: OverloadWorld) {
    const { clock } = this;
    this.#world = world;
    this.#random = seededRandom(world.seed);
    this.#router = new Router({ limits: defaultLimits, clock, nextEpoch: () => 1 });
    this.#router.setEnvironment(environment, {
      corsOrigins: new Set(),
      kind: "services",
      isPublic: true,
    });
    const live = { version: 1, isPrivate: false, methods: ["method"] };
    const route = this.#router.setService(environment, "full", live);
    route.capacity = {
      callsPerInstanceTarget: world.maxInstanceLoad,
      scaleUpAbove: Number.POSITIVE_INFINITY,
      canScaleUp: false,
    };
    for (let i = 0; i < world.instances; i++) route.add(this.#instance(String(i)));
  }

  /** Calls per millisecond that the instances can serve. */
  get capacityPerMs(): number {
    const { instances, maxInstanceLoad, serviceMs } = this.#world;
    return (instances * maxInstanceLoad) / serviceMs;
  }

  /** Independent callers: `times` what the instances can serve, at random moments, for a while. */
  callAtRate(times: number, durationMs: number): void {
    const until = this.clock.now() + durationMs;
    const perMs = this.capacityPerMs * times;
    let at = this.clock.now();
    while (true) {
      at += -Math.log(1 - this.#random()) / perMs;
      if (at >= until) break;
      this.clock.advance(at - this.clock.now());
      this.call();
    }
    this.clock.advance(until - this.clock.now());
  }

  /** Callers that each call again as soon as they are answered, and a millisecond after they were refused. They stay. */
  keepCalling(callers: number, durationMs: number): void {
    const callAgain = (): void =>
      this.call((isServed) => this.clock.setTimeout(callAgain, isServed ? 0.1 : 1));
    for (let i = 0; i < callers; i++) callAgain();
    this.clock.advance(durationMs);
  }

  call(onAnswer: (isServed: boolean) => void = () => {}): void {
    const at = this.clock.now();
    const answer = (isServed: boolean) => (): void => {
      this.answers.push({ at, ms: this.clock.now() - at, isServed });
      onAnswer(isServed);
    };
    const target = { environment, service: "full", resource: "", method: "method" };
    const request: CallRequest = {
      target,
      caller: OUTSIDE,
      isStream: false,
      timeoutMs: defaultLimits.callTimeoutMs,
      kind: PAYLOAD_JSON,
      body,
    };
    const events = {
      ...ignoredEvents,
      onAssigned: () => this.waitedFrom.push(at),
      onEnd: answer(true),
      onAbort: answer(false),
    };
    this.#router.open(request, events, false);
  }

  /** For so long no call gets an answer. */
  standStill(ms: number): void {
    this.#standsUntil = this.clock.now() + ms;
    this.clock.advance(ms);
  }

  /** What callers got who called in this period. */
  between(from: number, to: number): { served: number; refused: number; p99Ms: number } {
    const answers = this.answers.filter(({ at }) => at >= from && at < to);
    const served = answers.filter(({ isServed }) => isServed);
    const p99Ms = quantile(
      served.map(({ ms }) => ms),
      0.99,
    );
    return { served: served.length, refused: answers.length - served.length, p99Ms };
  }

  /** Calls that were answered in this period, as a part of what the instances can serve. */
  goodput(from: number, to: number): number {
    const isIn = (at: number): boolean => at >= from && at < to;
    const done = this.answers.filter(({ at, ms, isServed }) => isServed && isIn(at + ms));
    return done.length / (this.capacityPerMs * (to - from));
  }

  /** When callers were refused. */
  refusedAt(): number[] {
    return this.answers.flatMap(({ at, ms, isServed }) => (isServed ? [] : at + ms));
  }

  #instance(instance: string): InstanceTarget {
    return {
      instance,
      version: 1,
      callsInFlight: 0,
      streamsInFlight: 0,
      callee: {
        open: (_request, events) => {
          const ms = this.#world.serviceMs * (0.5 + this.#random());
          const answer = (): void => {
            const leftMs = this.#standsUntil - this.clock.now();
            if (leftMs > 0) {
              this.clock.setTimeout(answer, leftMs);
              return;
            }
            events.onMessage(PAYLOAD_JSON, body);
            events.onEnd();
          };
          this.clock.setTimeout(answer, ms);
          return closedSide;
        },
      },
    };
  }
}

/** A row of the table of steady overload. */
export interface OverloadRow extends OverloadWorld {
  /** Calls that arrive, as a multiple of those that can be served. */
  readonly times: number;
}

const worlds: readonly Omit<OverloadWorld, "seed">[] = [
  { serviceMs: 0.5, instances: 1, maxInstanceLoad: 1 },
  { serviceMs: 5, instances: 1, maxInstanceLoad: 1 },
  { serviceMs: 5, instances: 1, maxInstanceLoad: 10 },
  { serviceMs: 50, instances: 1, maxInstanceLoad: 10 },
  { serviceMs: 50, instances: 20, maxInstanceLoad: 1 },
  { serviceMs: 300, instances: 1, maxInstanceLoad: 10 },
  { serviceMs: 300, instances: 20, maxInstanceLoad: 10 },
];

const slowWorlds: readonly Omit<OverloadWorld, "seed">[] = [
  { serviceMs: 1_000, instances: 1, maxInstanceLoad: 10 },
  { serviceMs: 3_000, instances: 1, maxInstanceLoad: 10 },
  { serviceMs: 3_000, instances: 20, maxInstanceLoad: 1 },
  { serviceMs: 3_000, instances: 20, maxInstanceLoad: 10 },
];

/** At twice and ten times what they can serve. */
function rowsOf(of: readonly Omit<OverloadWorld, "seed">[], seed: number): readonly OverloadRow[] {
  return of.flatMap((world) => [2, 10].map((times) => ({ ...world, times, seed })));
}

/** Methods of up to 300 ms, on one and many instances. */
export const steadyRows: readonly OverloadRow[] = rowsOf(worlds, 1);
/** Methods that take seconds. Few calls come in a second, so it depends on the seed when overload begins and ends. */
export const slowRows: readonly OverloadRow[] = rowsOf(slowWorlds, 3);

/** What callers get before, during and after some seconds of overload. */
export interface OverloadResult {
  /** Calls served during the overload, as a part of what can be served. */
  readonly goodput: number;
  /** Of the calls that were served: of all, and of those from 1.5 s after the beginning on. */
  readonly p99Ms: number;
  readonly laterP99Ms: number;
  /** After the first call that had to wait. */
  readonly firstRefusalMs: number;
  /** After the end of the overload. */
  readonly lastRefusalMs: number;
  readonly refusedBefore: number;
}

export function overloadRow(row: OverloadRow): OverloadResult {
  const { serviceMs, times } = row;
  const world = new SimulatedOverload(row);
  const { clock } = world;
  world.callAtRate(0.5, Math.max(1_000, 3 * serviceMs));
  const from = clock.now();
  world.callAtRate(times, serviceMs < 1_000 ? 3_000 : 20 * serviceMs);
  const to = clock.now();
  world.callAtRate(0.5, Math.max(2_000, 3 * serviceMs));
  clock.advance(defaultLimits.callTimeoutMs);
  const refusedAt = world.refusedAt();
  const waitedFrom = world.waitedFrom.find((at) => at >= from);
  return {
    goodput: world.goodput(from + 2 * serviceMs, to),
    p99Ms: world.between(from, to).p99Ms,
    laterP99Ms: world.between(from + 1_500, to).p99Ms,
    firstRefusalMs: (refusedAt[0] ?? Number.POSITIVE_INFINITY) - (waitedFrom ?? from),
    lastRefusalMs: (refusedAt.at(-1) ?? Number.POSITIVE_INFINITY) - to,
    refusedBefore: refusedAt.filter((at) => at < from).length,
  };
}

export function rowTitle({ serviceMs, instances, maxInstanceLoad }: OverloadRow): string {
  const many = instances === 1 ? "an instance" : `${instances} instances`;
  return `${many} with ${maxInstanceLoad} calls of ${serviceMs} ms at once`;
}

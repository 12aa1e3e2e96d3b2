import type { Limits, ScalingRecord } from "@leveros/protocol";
import type {
  decideInstances,
  RecentNeeds,
  ScalingDecision,
} from "../autoscaler/decide-instances.ts";
import { decideShare, type ServiceShare, sharedMax } from "../autoscaler/decide-share.ts";
import type { ProcessPhase } from "../processes/process-state.ts";
import type { RouteCapacity } from "../router/route-capacity.ts";

/** An instance as far as scaling depends on it. */
export interface ScaledInstance {
  readonly phase: ProcessPhase;
  readonly isUnresponsive: boolean;
  /** The deploy that it belongs to; see `ServiceNow`. */
  readonly generation: number;
  readonly target: { readonly callsInFlight: number };
}

/** The rules of the live version. */
export interface ScalingRules {
  readonly minInstances: number;
  readonly maxInstances: number;
  /** Calls and open streams that one instance should carry. */
  readonly maxInstanceLoad: number;
}

/** One service at one moment of the host's clock. */
export interface ServiceNow<Instance extends ScaledInstance> {
  readonly now: number;
  readonly rules: ScalingRules;
  /** The part of this host, one of several. undefined = it is the only one. */
  readonly share?: ServiceShare | undefined;
  readonly instances: readonly Instance[];
  /** Instances that are being prepared and have no process yet. */
  readonly preparing: number;
  /** Instances of an earlier generation drain, and do not count. */
  readonly generation: number;
  /** On instances that take calls. */
  readonly callsInFlight: number;
  readonly callsWaiting: number;
  /** When the last call ended or was assigned. */
  readonly lastUsedAt: number;
  readonly recent: RecentNeeds;
  /** No start before this moment, because of failures. */
  readonly startAllowedAt: number;
  resourcesOf(instance: Instance): number;
}

export type ScalingLimits = Pick<Limits, "scaleDownAfterMs" | "idleTimeoutMs">;

/** The steps for a service, in the order of the fields, and the decision behind them. */
export interface ServicePlan<Instance> extends ScalingDecision {
  /** Instances that count: those that answer, starting ones too, and those being prepared. */
  readonly running: number;
  readonly unresponsive: number;
  /** Draining instances without calls and resources. */
  readonly stop: readonly Instance[];
  /** Draining instances that are needed again. */
  readonly resume: readonly Instance[];
  /** Instances to start, if there is memory for them. */
  readonly start: number;
  /** How many of `start` the load needs now. The others it needed only within the last `scaleDownAfterMs`. */
  readonly startNeeded: number;
  /** More instances are wanted, but none may start before `startAllowedAt`. */
  readonly isInBackoff: boolean;
  /** Instances that are no longer wanted. */
  readonly drain: readonly Instance[];
  /** With the started ones, the service has as many instances as it may have. */
  readonly isAtMax: boolean;
}

/** Decides how a service gets from the instances that it has to those that it should have. */
export function decideService<Instance extends ScaledInstance>(
  service: ServiceNow<Instance>,
  decide: typeof decideInstances,
  limits: ScalingLimits,
): ServicePlan<Instance> {
  const { now, instances, generation, preparing, share, callsInFlight, callsWaiting } = service;
  const { minInstances, maxInstances, maxInstanceLoad } = rulesHere(service);
  const load = (instance: Instance): number =>
    instance.target.callsInFlight + service.resourcesOf(instance);
  const running = instances.filter((instance) => isRunning(instance, generation));
  const answering = running.filter(({ isUnresponsive }) => !isUnresponsive);
  const draining = instances.filter(({ phase }) => phase === "draining");
  const have = answering.length + preparing;
  const unresponsive = running.length - answering.length;
  const decision =
    share === undefined
      ? decide(
          service.recent,
          {
            load: callsInFlight + callsWaiting,
            // A service with instances is in use until it has been idle; one without is started by a call only.
            idleMs: have > 0 ? now - service.lastUsedAt : Number.POSITIVE_INFINITY,
            maxInstanceLoad,
            minInstances,
            maxInstances,
          },
          { now, ...limits },
        )
      : decideShare(
          service.recent,
          { ...service.rules, callsInFlight, callsWaiting, running: have },
          { share, now, ...limits },
        );
  const { needed, wanted } = decision;
  // Unresponsive instances may answer again, so they count towards the most that a service may have.
  const missing = Math.max(0, Math.min(wanted, maxInstances - unresponsive) - have);
  const resume = draining
    .filter((instance) => load(instance) > 0 && isCurrent(instance, generation))
    .filter(({ isUnresponsive }) => !isUnresponsive)
    .slice(0, missing);
  const startable = missing - resume.length;
  const isInBackoff = startable > 0 && now < service.startAllowedAt;
  const start = isInBackoff ? 0 : startable;
  // Starting instances are not drained: they may be needed by the time they are ready.
  const excess = missing > 0 ? 0 : Math.max(0, have - wanted);
  const ready = answering.filter(({ phase }) => phase === "ready");
  return {
    ...decision,
    running: have,
    unresponsive,
    stop: draining.filter((instance) => load(instance) === 0),
    resume,
    start,
    startNeeded: Math.max(0, Math.max(needed, minInstances) - have - resume.length),
    isInBackoff,
    drain: excess === 0 ? [] : ready.sort((a, b) => load(a) - load(b)).slice(0, excess),
    isAtMax: have + missing + unresponsive >= maxInstances,
  };
}

/** The rules for the instances of this host. */
export function rulesHere({
  rules,
  share,
}: Pick<ServiceNow<ScaledInstance>, "rules" | "share">): ScalingRules {
  if (share === undefined) return rules;
  const maxInstances = sharedMax(share, rules.maxInstances);
  return { ...rules, minInstances: share.told ?? 0, maxInstances };
}

/** An instance of the live version, as it is now, that counts towards the instances a service has. */
export function isRunning(instance: ScaledInstance, generation: number): boolean {
  const { phase } = instance;
  return (phase === "starting" || phase === "ready") && isCurrent(instance, generation);
}

function isCurrent(instance: ScaledInstance, generation: number): boolean {
  return instance.generation === generation;
}

/** The result of the starts of a plan. */
export interface StartOutcome {
  readonly isStarting: boolean;
  readonly isOutOfMemory: boolean;
}

/** How much the service's route carries while a plan is carried out. */
export function routeCapacity(
  plan: ServicePlan<unknown>,
  { maxInstances, maxInstanceLoad }: ScalingRules,
  { isStarting, isOutOfMemory }: StartOutcome,
): RouteCapacity {
  const { wanted, isAtMax } = plan;
  return {
    canScaleUp: isStarting || (!isAtMax && !isOutOfMemory),
    // Calls that arrive while more instances start may take up to twice the load.
    callsPerInstanceTarget: Math.ceil(maxInstanceLoad) * (isAtMax ? 1 : 2),
    scaleUpAbove: wanted >= maxInstances ? Number.POSITIVE_INFINITY : wanted * maxInstanceLoad,
  };
}

/** A plan's numbers, for `lever explain`. */
export function scalingRecord(
  plan: ServicePlan<unknown>,
  service: Pick<ServiceNow<ScaledInstance>, "callsInFlight" | "callsWaiting">,
  of: Pick<StartOutcome, "isOutOfMemory"> & { readonly at: string; readonly draining: number },
): ScalingRecord {
  const { callsInFlight, callsWaiting } = service;
  const { needed, wanted, reason, running, unresponsive, isInBackoff } = plan;
  const blockedBy = isInBackoff ? "backoff" : of.isOutOfMemory ? "memory" : null;
  const { at, draining } = of;
  return {
    at,
    callsInFlight,
    callsWaiting,
    needed,
    wanted,
    reason,
    running,
    unresponsive,
    draining,
    blockedBy,
  };
}

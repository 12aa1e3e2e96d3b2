import { faultsIn, type PlantedFault } from "../planted-fault.ts";

const FLEET = "host/src/fleet/fleet.test.ts";
const DECIDE_SERVICE = "host/src/fleet/decide-service.test.ts";
const RAM_BUDGET = "host/src/fleet/ram-budget.test.ts";
const LOOP = "host/src/fleet/reconcile-loop.test.ts";
const FAILURES = "host/src/fleet/service-failures.test.ts";
const DECIDE_INSTANCES = "host/src/autoscaler/decide-instances.test.ts";
const HEALTH = "host/src/processes/process-health.test.ts";
const PROCESS = "host/src/processes/supervised-process.test.ts";
const PROCESS_STATE = "host/src/processes/process-state.test.ts";

export const fleetFaults: readonly PlantedFault[] = [
  ...faultsIn("host/src/fleet/service-fleet.ts", [
    [
      "Instances of the older version go on after a deploy.",
      "this.#drain(instance, stopAt, replacedReason(instance.spec.version, record.version));",
      "",
      "simulation",
    ],
    [
      "Instances that have exited stay in the fleet.",
      "this.instances = this.instances.filter((other) => other !== instance);",
      "",
      "simulation",
    ],
    [
      "Instances that have exited stay in the router.",
      "this.route.exited(instance.target, instance.wasStopped ? undefined : error);",
      "",
      "simulation",
    ],
    [
      "An instance that stops still gets calls.",
      "this.route.stopping(instance.target);",
      "",
      "simulation",
    ],
    [
      "An instance that does not answer still gets calls.",
      "this.route.pause(instance.target);",
      "",
      "simulation",
    ],
    [
      "An instance that answers again gets no calls.",
      'if (instance.phase === "ready") this.route.add(instance.target);\n    else this.route.recover(instance.target);',
      "",
      FLEET,
    ],
    [
      "An instance that does not close a resource lives on.",
      "if (running.target === target) running.stop(reason);",
      "if (running.target === undefined) running.stop(reason);",
      "simulation",
    ],
    ["A failed start still counts as one in progress.", "this.#preparing--;", "", FLEET],
    [
      "Calls wait for a service that cannot start.",
      'if (error.code === "start_failed") this.#refuseWaiting(error);\n    this.#context.markActive(this);',
      "this.#context.markActive(this);",
      FLEET,
    ],
    [
      "Nothing starts after a back-off.",
      "this.#retry = clock.setTimeout(() => this.reconcile(), startAllowedAt - clock.now());",
      "",
      FLEET,
    ],
    [
      "An instance with a resource is stopped to free memory.",
      "target.callsInFlight > 0 || this.route.resourcesOf(target) > 0",
      "target.callsInFlight > 0",
      FLEET,
    ],
    [
      "An instance below minInstances is stopped to free memory.",
      "if (running.length <= Math.min(told, minInstances)) return undefined;",
      "",
      FLEET,
    ],
    [
      "A draining instance without calls stays until the next check.",
      "if (!this.#isBusy(instance)) instance.stop();",
      "",
      FLEET,
    ],
    [
      "A candidate that has failed since gets calls.",
      'if (candidate?.phase === "ready") {',
      "if (candidate !== undefined) {",
      FLEET,
    ],
    [
      "A closed service leaves calls waiting.",
      "this.route.stop(error);",
      "Object.is(error, error);",
      FLEET,
    ],
  ]),
  ...faultsIn("host/src/fleet/fleet.ts", [
    [
      "Memory of a start that could not be prepared stays reserved.",
      "} catch (error) {\n      this.#ramBudget.release(ram);",
      "} catch (error) {",
      FLEET,
    ],
    [
      "Memory of instances that have exited stays reserved.",
      "onMemoryFreed: (ram) => this.#ramBudget.release(ram),",
      "onMemoryFreed: () => {},",
      "simulation",
    ],
    [
      "A service that waits for memory is not started when there is some.",
      "this.#ramBudget.wakeWaiting();",
      "",
      FLEET,
    ],
    [
      "No idle instance is stopped for a service without memory.",
      'if (answer === "waits") this.#stopIdlest(service);',
      "",
      FLEET,
    ],
    [
      "The instance that was used last is stopped to free memory.",
      "idlest.lastUsedAt <= lastUsedAt",
      "idlest.lastUsedAt >= lastUsedAt",
      FLEET,
    ],
    [
      "A candidate outlives the host.",
      'if (instance.listener === undefined) instance.stop("Lever is stopping");',
      "",
      FLEET,
    ],
    [
      "Services of a removed environment stay in the fleet.",
      "this.#services.delete(serviceKey(environment, service.live.service));",
      "",
      FLEET,
    ],
    [
      "An instance starts while the host stops.",
      "if (this.#isClosing) throw new LeverError",
      "if (this.#isClosing && ram < 0) throw new LeverError",
      FLEET,
    ],
    [
      "A restricted environment's instances start without restrictions.",
      "!this.#restricted.has(environment) || this.restrictsNetworks",
      "!this.#restricted.has(environment) || !this.restrictsNetworks",
      FLEET,
    ],
  ]),
  ...faultsIn("host/src/fleet/instance.ts", [
    [
      "Calls of an instance that has exited get no answer.",
      "this.#link.close(error);",
      "",
      "simulation",
    ],
    [
      "A deploy waits for a candidate that has failed.",
      "this.#ready.reject(error);",
      "",
      "simulation",
    ],
  ]),
  ...faultsIn("host/src/fleet/decide-service.ts", [
    [
      "Unresponsive instances do not count towards maxInstances.",
      "Math.min(wanted, maxInstances - unresponsive)",
      "Math.min(wanted, maxInstances)",
      DECIDE_SERVICE,
    ],
    [
      "Instances of an older version count.",
      "return instance.generation === generation;",
      "return instance.generation <= generation;",
      DECIDE_SERVICE,
    ],
    [
      "The most loaded instance drains first.",
      "load(a) - load(b)",
      "load(b) - load(a)",
      DECIDE_SERVICE,
    ],
    [
      "A draining instance stops while it has calls.",
      "stop: draining.filter((instance) => load(instance) === 0),",
      "stop: draining,",
      "simulation",
      DECIDE_SERVICE,
    ],
    [
      "Starting instances are drained.",
      'answering.filter(({ phase }) => phase === "ready")',
      'answering.filter(({ phase }) => phase !== "draining")',
      DECIDE_SERVICE,
    ],
    [
      "Instances start in the back-off.",
      "const start = isInBackoff ? 0 : startable;",
      "const start = startable;",
      DECIDE_SERVICE,
    ],
    [
      "A service at its maximum asks for more instances with each call.",
      "wanted >= maxInstances ? Number.POSITIVE_INFINITY",
      "wanted > maxInstances ? Number.POSITIVE_INFINITY",
      DECIDE_SERVICE,
    ],
  ]),
  ...faultsIn("host/src/fleet/ram-budget.ts", [
    ["Released memory stays reserved.", "this.#reserved -= ram;", "", "simulation", RAM_BUDGET],
    [
      "More memory is allotted than there is.",
      "return this.#reserved + ram <= this.max;",
      "return this.#reserved <= this.max;",
      "simulation",
      RAM_BUDGET,
    ],
    [
      "An instance that is only wanted takes the memory that others wait for.",
      "isFree && (isNeeded || this.#waiting.size === 0)",
      "isFree",
      RAM_BUDGET,
    ],
  ]),
  ...faultsIn("host/src/fleet/reconcile-loop.ts", [
    [
      "Services at zero are still reconciled.",
      "this.#active.delete(service);\n    service.route.releaseUnused();",
      "service.route.releaseUnused();",
      LOOP,
    ],
    [
      "Every service at zero keeps its history.",
      "oldest.forgetHistory();",
      "",
      LOOP,
      "host/src/fleet/idle-services.test.ts",
    ],
  ]),
  ...faultsIn("host/src/fleet/service-failures.ts", [
    [
      "A service that crashes after a good start waits longer each time.",
      "startedWell ? 1 : failures.inARow + 1",
      "failures.inARow + 1",
      FAILURES,
    ],
    [
      "A service that cannot start is tried again without a delay.",
      "startedWell ? 1 : failures.inARow + 1",
      "1",
      FAILURES,
    ],
  ]),
  ...faultsIn("host/src/processes/process-state.ts", [
    [
      "A process that does not stop is never killed.",
      'return step({ ...state, killAt: Number.POSITIVE_INFINITY }, "kill");',
      "return step(state);",
      "simulation",
      PROCESS_STATE,
    ],
    [
      "A draining process lives on when its time is over.",
      'if (phase === "draining" && now >= state.stopAt) return stop(state, options);',
      "",
      PROCESS_STATE,
    ],
  ]),
  ...faultsIn("host/src/processes/process-health.ts", [
    [
      "A ping follows a call at once.",
      "options.hasNewCalls && pingsPutOff",
      "false && pingsPutOff",
      HEALTH,
    ],
    [
      "A process that is given calls all the time is never pinged.",
      "(options.hasAnswered ? PUT_OFF_MAX : 1)",
      "Number.POSITIVE_INFINITY",
      HEALTH,
    ],
  ]),
  ...faultsIn("host/src/processes/supervised-process.ts", [
    [
      "An unresponsive process counts as one that has failed by itself.",
      'this.#killedFor ??= "unresponsive";',
      "",
      PROCESS,
    ],
  ]),
  ...faultsIn("host/src/autoscaler/decide-instances.ts", [
    [
      "A peak counts for longer than scaleDownAfterMs.",
      "now - peak.at < scaleDownAfterMs",
      "now - peak.at <= scaleDownAfterMs",
      DECIDE_INSTANCES,
    ],
    [
      "A load that is not whole needs an instance less.",
      "Math.ceil(load / service.maxInstanceLoad)",
      "Math.floor(load / service.maxInstanceLoad)",
      DECIDE_INSTANCES,
    ],
    [
      "Recent needs are never dropped.",
      "peak.needed > needed && now",
      "peak.needed >= 0 && now",
      DECIDE_INSTANCES,
    ],
    [
      "A service in use has no instance between two calls.",
      "Math.max(peak, 1)",
      "peak",
      DECIDE_INSTANCES,
    ],
    [
      "A service never counts as unused.",
      "service.idleMs < idleTimeoutMs",
      "service.idleMs >= 0",
      "simulation",
      DECIDE_INSTANCES,
    ],
    [
      "minInstances has no effect.",
      'if (used < minInstances) return decided(minInstances, "minInstances");',
      "",
      "simulation",
      DECIDE_INSTANCES,
    ],
    [
      "maxInstances has no effect.",
      "if (used > maxInstances) return",
      "if (used < 0) return",
      DECIDE_INSTANCES,
    ],
  ]),
];

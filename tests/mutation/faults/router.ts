import { faultsIn, type PlantedFault } from "../planted-fault.ts";

const ROUTER = "host/src/router/router.test.ts";
const SERVICE_ROUTE = "host/src/router/service-route.test.ts";
const CHAINED = "host/src/router/chained-calls.test.ts";
const REMOTE = "host/src/workers/remote-router.test.ts";
const ROUTED_CALL = "host/src/router/routed-call.test.ts";

export const routerFaults: readonly PlantedFault[] = [
  ...faultsIn("host/src/router/service-route.ts", [
    [
      "Calls that have ended still count on their instance.",
      "target.callsInFlight--;",
      "",
      "simulation",
      SERVICE_ROUTE,
    ],
    [
      "Streams that have ended still count on their instance.",
      "if (isStream) removeStream(target, call);",
      "",
      "simulation",
      SERVICE_ROUTE,
    ],
    [
      "Calls that have ended still count on their service.",
      "this.#callsAssigned--;",
      "",
      "simulation",
      SERVICE_ROUTE,
    ],
    [
      "The end of a call does not reach its resource.",
      'if (resource !== "") this.#ledger.end(',
      'if (resource === "") this.#ledger.end(',
      "simulation",
    ],
    [
      "The place of a call that has ended stays empty while others wait.",
      "if (this.#isQueueing) this.dispatch(now);",
      "",
      "simulation",
      SERVICE_ROUTE,
    ],
    [
      "A new call takes the place of one that waits longer.",
      "if (!isStream && parent === undefined && this.#isQueueing) return undefined;",
      "",
      SERVICE_ROUTE,
    ],
    [
      "A call whose caller has left is given to an instance.",
      "if (call.isOver) return;",
      "",
      SERVICE_ROUTE,
    ],
    [
      "Calls of a resource are not counted there.",
      "this.#ledger.begin(resource, isStream)",
      "1",
      "simulation",
      SERVICE_ROUTE,
    ],
    [
      "The owner of a resource has no limit of calls.",
      "owner.callsInFlight >= limits.callsPerInstanceMax",
      "owner.callsInFlight < 0",
      SERVICE_ROUTE,
    ],
    [
      "An instance that stays does not get its resources back.",
      "this.#resources?.stay(target);",
      "",
      SERVICE_ROUTE,
    ],
    [
      "The owner of a resource is not paused while it does not answer.",
      "this.#resources?.pause(target);",
      "",
      "simulation",
    ],
    [
      "A draining instance keeps its resources.",
      "this.#resources?.drain(target);",
      "",
      SERVICE_ROUTE,
    ],
    [
      "Resources of an instance that exits stay open.",
      "this.#resources?.stopping(target);",
      "",
      "simulation",
      SERVICE_ROUTE,
    ],
    [
      "Resources of an instance that has exited are not released.",
      "this.#resources?.exited(target, failure);",
      "",
      "simulation",
      SERVICE_ROUTE,
    ],
    [
      "An instance that drains still gets calls.",
      "if (index !== -1) this.#instances.splice(index, 1);",
      "",
      "simulation",
      SERVICE_ROUTE,
    ],
    [
      "A cancelled call still counts as waiting.",
      "if (hasWaited === true) this.#waiting?.remove(call.bodyBytes);",
      "",
      "simulation",
      SERVICE_ROUTE,
    ],
    [
      "A call that got an instance still counts as waiting.",
      "queue?.take(call, now);\n      this.#waiting?.remove(call.bodyBytes);",
      "queue?.take(call, now);",
      "simulation",
      SERVICE_ROUTE,
    ],
    [
      "Calls that are refused still count as waiting.",
      "this.#waiting?.remove(call.bodyBytes);\n      call.refuse(error);",
      "call.refuse(error);",
      "simulation",
      SERVICE_ROUTE,
    ],
    [
      "A call in the course of another waits for a place.",
      "target === undefined && parent !== undefined ? this.#chooseFor(true) : target",
      "target",
      CHAINED,
    ],
    [
      "A call in the course of another waits for places that never come.",
      "if (parent !== undefined) this.#checkChained(resource);",
      "if (parent !== undefined) ;",
      CHAINED,
    ],
    [
      "The number of resources of a service has no limit.",
      "isNew && this.#ledger.size >= this.#options.limits.resourcesPerServiceMax",
      "isNew && this.#ledger.size < 0",
      SERVICE_ROUTE,
    ],
  ]),
  ...faultsIn("host/src/router/routed-call.ts", [
    [
      "An early half-close of a stream is lost.",
      "if (isEndEarly && !this.#hasMore) receiver.end();",
      "",
      "simulation",
      ROUTED_CALL,
    ],
    [
      "A half-close overtakes the early messages of its stream.",
      "this.#hasMore || hasEarly);",
      "this.#hasMore);",
      "simulation",
      ROUTED_CALL,
    ],
    [
      "Early messages of a stream are lost.",
      "this.#early?.sendTo(receiver);",
      "",
      "simulation",
      ROUTED_CALL,
    ],
    [
      "A caller whose early message was held back is never told to go on.",
      "if (this.#hasMore) this.#caller.onDrain();",
      "",
      ROUTED_CALL,
    ],
    [
      "A caller that cannot take replies is not obeyed when its call gets an instance.",
      "if (this.#isPaused) callee.pause();",
      "",
      ROUTED_CALL,
    ],
    [
      "A stream that its service has ended stays half open there.",
      "if (this.#hasMore) this.#callee?.end();",
      "",
      "simulation",
      ROUTED_CALL,
    ],
    ["A call can end twice.", "if (this.#isOver) return false;", "", ROUTER],
    [
      "The place of a call is never given back.",
      "this.#lease?.end(now);",
      "",
      "simulation",
      ROUTER,
    ],
    [
      "A call that has waited has its whole deadline again.",
      "Math.max(1, this.#deadlineAt - this.#clock.now())",
      "this.#request.timeoutMs",
      ROUTER,
    ],
    [
      "A call past its deadline runs on in its instance.",
      "this.#callee?.abort(error);\n    this.#caller.onAbort(error);",
      "this.#caller.onAbort(error);",
      ROUTER,
    ],
    [
      "A call past its deadline gets no answer.",
      "this.#callee?.abort(error);\n    this.#caller.onAbort(error);",
      "this.#callee?.abort(error);",
      "simulation",
      ROUTER,
    ],
    [
      "An instance that has served calls counts as one that never did.",
      "if (this.#lease !== undefined) this.#lease.target.hasServed = true;\n    this.#caller.onEnd();",
      "this.#caller.onEnd();",
      ROUTED_CALL,
    ],
    [
      "A stream whose messages are lost is given to another instance.",
      ": !this.#hasSent &&",
      ":",
      ROUTED_CALL,
    ],
    ["A service seems idle while it is called.", "this.route.lastUsedAt = now;", "", ROUTED_CALL],
    [
      "The timer of a call that has ended goes on.",
      "this.#clock.clearTimeout(this.#timer);",
      "",
      ROUTED_CALL,
    ],
  ]),
  ...faultsIn("host/src/router/choose-instance.ts", [
    [
      "Streams take the places of regular calls.",
      "instance.callsInFlight - instance.streamsInFlight",
      "instance.callsInFlight",
      "host/src/router/choose-instance.test.ts",
    ],
    [
      "The last instance gets every call.",
      "fewest = instance.callsInFlight;",
      "",
      "host/src/router/choose-instance.test.ts",
    ],
    [
      "Instances with equal loads do not take turns.",
      "instances[(i + options.turn) % count]",
      "instances[i]",
      "host/src/router/choose-instance.test.ts",
    ],
    [
      "A full instance gets new resources.",
      "if (instance.callsInFlight >= options.callsPerInstanceMax) continue;",
      "",
      "host/src/router/choose-instance.test.ts",
    ],
  ]),
  ...faultsIn("host/src/router/waiting-calls.ts", [
    [
      "Bytes that wait are not counted for the environment.",
      "this.#environment.bytes += bytes;",
      "",
      "host/src/router/waiting-calls.test.ts",
    ],
    [
      "Calls that no longer wait keep their bytes.",
      "this.#count(-1, -bodyBytes);",
      "this.#count(-1, 0);",
      "simulation",
      "host/src/router/waiting-calls.test.ts",
    ],
  ]),
  ...faultsIn("host/src/router/forward-call.ts", [
    [
      "A caller cannot end a stream that its service has ended.",
      "if (this.#isStream) this.#side.resume();",
      "",
      "host/src/router/forward-call.test.ts",
    ],
    [
      "An instance sees how long its call has waited.",
      "if (this.#options.isTrusted) this.#side.sendAssigned(waitTimes);",
      "this.#side.sendAssigned(waitTimes);",
      "host/src/router/serve-instance-calls.test.ts",
    ],
    [
      "A fault of one call ends the link.",
      'side.abort(asLeverError(error, log, "router"));',
      "throw error;",
      "host/src/router/serve-instance-calls.test.ts",
    ],
  ]),
  ...faultsIn("host/src/router/serve-instance-calls.ts", [
    [
      "An instance can claim to be another caller.",
      'caller: { kind: "service", environment, service },',
      'caller: { kind: "service", environment, service: target.service },',
      "host/src/router/serve-instance-calls.test.ts",
    ],
    [
      "An instance can name a call that it does not have.",
      "if (isChainLink(named)) return named;",
      "if (id !== undefined) return isChainLink(named) ? named : undefined;",
      CHAINED,
    ],
  ]),
  ...faultsIn("host/src/router/chained-resource.ts", [
    [
      "A resource is not handed over while its own call waits for it.",
      "return own && owner;",
      "return undefined;",
      CHAINED,
    ],
    [
      "A resource is never handed over while others call it.",
      'link.usesOwnership(ownership) === "call"',
      "link !== undefined",
      CHAINED,
    ],
  ]),
  ...faultsIn("host/src/router/router.ts", [
    [
      "Calls can call each other without end.",
      "parentCall.depth < this.#options.limits.callDepthMax",
      "parentCall.depth >= 0",
      CHAINED,
    ],
  ]),
  ...faultsIn("host/src/router/find-service.ts", [
    [
      "Services of other environments can call a private service.",
      "isService && caller.environment === environment",
      "isService",
      ROUTER,
    ],
    [
      "Services can call into Lever's own environment.",
      'known.access.kind === "platform" && isService',
      'known.access.kind === "platform" && !isService',
      ROUTER,
    ],
    [
      "A stopping host takes new calls from outside.",
      "table.isClosing && !isService",
      "table.isClosing && isService",
      ROUTER,
    ],
  ]),
  ...faultsIn("host/src/workers/remote-router.ts", [
    ["A worker knows removed services.", "services?.delete(service);", "", REMOTE],
    [
      "A worker knows the services of a removed environment.",
      "      this.#environments.delete(name);\n",
      "      if (known !== undefined) return;\n",
      REMOTE,
    ],
  ]),
  ...faultsIn("host/src/router/resource-hooks.ts", [
    [
      "A resource moves while its old owner may still run closeResource.",
      "if (failure?.isOutcomeUnknown === true) onStuck(owner, resource);",
      "if (failure?.isOutcomeUnknown === null) onStuck(owner, resource);",
      "simulation",
    ],
    [
      "A hook that takes too long is taken for one that has failed.",
      "ms.`, isOutcomeUnknown: true",
      "ms.`, isOutcomeUnknown: false",
      "simulation",
    ],
  ]),
];

import {
  closedSide,
  defaultLimits,
  ignoredEvents,
  LeverError,
  OUTSIDE,
  PAYLOAD_JSON,
} from "@leveros/protocol";
import { expect, it } from "vitest";
import { VirtualClock } from "../../../../tests/harness/virtual-clock.ts";
import { endStreams, type InstanceTarget } from "./instance-target.ts";
import { Router } from "./router.ts";

const service = { kind: "service", environment: "dev.lever", service: "other" } as const;

/** A router with an instance of the service `web`, which has these methods. */
function openRouter(methods: readonly string[] | undefined): {
  router: Router;
  instance: InstanceTarget;
} {
  const router = new Router({
    limits: defaultLimits,
    clock: new VirtualClock(),
    nextEpoch: () => 1,
  });
  const access = { corsOrigins: new Set<string>(), kind: "services", isPublic: false } as const;
  router.setEnvironment("dev.lever", access);
  const route = router.setService("dev.lever", "web", { version: 1, isPrivate: false, methods });
  const instance: InstanceTarget = {
    instance: "web-1",
    version: 1,
    callsInFlight: 0,
    streamsInFlight: 0,
    callee: { open: () => closedSide },
  };
  route.add(instance);
  return { router, instance };
}

function call(
  router: Router,
  method: string,
  {
    caller = OUTSIDE,
    isStream = true,
  }: { caller?: typeof OUTSIDE | typeof service; isStream?: boolean } = {},
): LeverError[] {
  const errors: LeverError[] = [];
  const target = { environment: "dev.lever", service: "web", resource: "", method };
  const body = new TextEncoder().encode("[]");
  const request = { caller, target, isStream, timeoutMs: 0, kind: PAYLOAD_JSON, body } as const;
  const listener = { ...ignoredEvents, onAbort: (error: LeverError) => void errors.push(error) };
  router.open(request, listener, true);
  return errors;
}

it("a request is a call of fetch that only a caller outside may make", () => {
  const { router } = openRouter(["fetch", "hello"]);
  expect(call(router, "fetch")).toEqual([]);
  expect(call(router, "fetch", { caller: service })).toMatchObject([{ code: "wrong_method_kind" }]);
  expect(call(router, "hello")).toMatchObject([{ code: "wrong_method_kind" }]);
});

it("a program whose methods are not known answers no requests", () => {
  const { router } = openRouter(undefined);
  expect(call(router, "fetch")).toMatchObject([{ code: "wrong_method_kind" }]);
  expect(router.sites.isEmpty).toBe(true);
});

it("an instance that stops ends its streams, and completes its requests", () => {
  const { router, instance } = openRouter(["fetch", "ticksChan"]);
  const stream = call(router, "ticksChan");
  const request = call(router, "fetch");
  expect(instance.streamsInFlight).toBe(2);
  endStreams(instance, new LeverError("unavailable", "Lever stops it."));
  expect([stream.length, request.length]).toEqual([1, 0]);
});

it("a removed service or environment has no sites", () => {
  const { router } = openRouter(["fetch"]);
  router.removeService("dev.lever", "web");
  expect(router.sites.isEmpty).toBe(true);
  router.setService("dev.lever", "web", { version: 2, isPrivate: false, methods: ["fetch"] });
  router.removeEnvironment("dev.lever");
  expect(router.sites.isEmpty).toBe(true);
});

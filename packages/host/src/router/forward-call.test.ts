import {
  type CallHandle,
  type CallListener,
  defaultLimits,
  ignoredEvents,
  Link,
  memoryLink,
  OUTSIDE,
  PAYLOAD_BYTES,
} from "@leveros/protocol";
import { expect, it } from "vitest";
import { VirtualClock } from "../../../../tests/harness/virtual-clock.ts";
import { forwardCall } from "./forward-call.ts";
import { Router } from "./router.ts";

const MESSAGE_BYTES_MAX = 1_000_000;
const options = { messageBytesMax: MESSAGE_BYTES_MAX, callsMax: 10 };

it("lets a caller end that still had much to say when its stream was ended", async () => {
  const clock = new VirtualClock();
  const router = new Router({ limits: defaultLimits, clock, nextEpoch: () => 1 });
  const access = { corsOrigins: new Set<string>(), kind: "services" as const, isPublic: false };
  router.setEnvironment("dev.lever", access);
  const live = { version: 1, isPrivate: false, methods: ["talkChan"] };
  const route = router.setService("dev.lever", "back", live);
  let callee: CallHandle | undefined;
  // A service that reads nothing.
  const back = memoryLink({
    ...options,
    schedule: setImmediate,
    onCall: (_request, side) => {
      callee = side;
      side.pause();
      return ignoredEvents;
    },
  });
  route.add({ instance: "i", version: 1, callsInFlight: 0, streamsInFlight: 0, callee: back });

  const end = (side: "dialler" | "listener", other: () => Link): Link =>
    new Link({
      ...options,
      side,
      write(parts) {
        for (const part of parts) other().receive(part);
        return true;
      },
      schedule: setImmediate,
      onCall: (request, callSide) =>
        forwardCall(request, callSide, { target: router, isTrusted: false, log() {} }),
      onControl() {},
    });
  const front: Link = end("dialler", () => host);
  const host: Link = end("listener", () => front);

  const ended = Promise.withResolvers<void>();
  const events: CallListener = { ...ignoredEvents, onEnd: () => ended.resolve() };
  const target = { environment: "dev.lever", service: "back", resource: "", method: "talkChan" };
  const call = {
    caller: OUTSIDE,
    target,
    isStream: true,
    timeoutMs: 0,
    kind: PAYLOAD_BYTES,
  } as const;
  const caller = front.open({ ...call, body: new Uint8Array(1) }, events, true);
  const message = new Uint8Array(60_000);
  for (let i = 0; i < 40; i++) caller.send(PAYLOAD_BYTES, message);
  caller.end();
  while (callee === undefined) await new Promise(setImmediate);
  callee.end();
  await ended.promise;
  for (let turn = 0; turn < 1_000 && front.callsOpen + host.callsOpen > 0; turn++) {
    await new Promise(setImmediate);
  }
  expect([front.callsOpen, host.callsOpen]).toEqual([0, 0]);
});

import { expect, it } from "vitest";
import {
  type CallListener,
  type CallRequest,
  ignoredEvents,
  OUTSIDE,
  PAYLOAD_JSON,
} from "../call.ts";
import { memoryLink } from "./memory-link.ts";

it("a call over a link in memory gets the reply of its service", async () => {
  const seen: string[] = [];
  const link = memoryLink({
    messageBytesMax: 1_000,
    callsMax: 1,
    schedule: queueMicrotask,
    onCall: (request, side) => {
      side.send(request.kind, request.body, true);
      return ignoredEvents;
    },
  });
  const request: CallRequest = {
    caller: OUTSIDE,
    target: { environment: "dev.lever", service: "echo", resource: "", method: "echo" },
    isStream: false,
    timeoutMs: 0,
    kind: PAYLOAD_JSON,
    body: new TextEncoder().encode('["you"]'),
  };
  await new Promise<void>((resolve, reject) => {
    const events: CallListener = {
      ...ignoredEvents,
      onMessage: (_kind, bytes) => seen.push(new TextDecoder().decode(bytes)),
      onEnd: resolve,
      onAbort: reject,
    };
    link.open(request, events, false);
  });
  expect(seen).toEqual(['["you"]']);
});

import {
  type CallRequest,
  ignoredEvents,
  memoryLink,
  OUTSIDE,
  PAYLOAD_JSON,
} from "@leveros/protocol";
import { CallServer } from "./call-server.ts";
import { encodeOfService } from "./encode-of-service.ts";
import { loadService } from "./load-service.ts";

const MESSAGE_BYTES_MAX = 1_024;

/**
 * Imports a module and calls it over a link, before any call waits for this runtime. Node then has loaded and compiled the
 * code of a first call, so that the first call of the real service takes half the time.
 */
export async function warmUp(): Promise<void> {
  const methods = await loadService(import.meta.dirname, "warm-up-service.cjs");
  const server = new CallServer(methods, {
    encode: encodeOfService,
    replyBytesMax: MESSAGE_BYTES_MAX,
  });
  const host = memoryLink({
    messageBytesMax: MESSAGE_BYTES_MAX,
    callsMax: 1,
    schedule: queueMicrotask,
    onCall: server.onCall,
  });
  const request: CallRequest = {
    caller: OUTSIDE,
    target: { environment: "", service: "", resource: "", method: "greet" },
    isStream: false,
    timeoutMs: 1_000,
    kind: PAYLOAD_JSON,
    body: new TextEncoder().encode('["you"]'),
  };
  await new Promise<void>((resolve, reject) => {
    host.control({ type: "warm-up" });
    host.open(request, { ...ignoredEvents, onEnd: resolve, onAbort: reject }, false);
  });
}

import {
  type CallHandle,
  type CallListener,
  type CallRequest,
  ignoredEvents,
} from "@leveros/protocol";

/** Few instances are profiled. A caller that leaves meanwhile leaves nothing behind. */
export function serveProfile(request: CallRequest, side: CallHandle): CallListener {
  let listener: CallListener | undefined;
  void import("./profile.ts").then((profile) => {
    listener = profile.serveProfile(request, side);
  });
  return {
    ...ignoredEvents,
    onDrain: () => listener?.onDrain(),
    onAbort: (error) => listener?.onAbort(error),
  };
}

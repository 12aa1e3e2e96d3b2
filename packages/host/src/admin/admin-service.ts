import {
  type CallTarget,
  LeverError,
  type Link,
  memoryLink,
  valuePayload,
} from "@leveros/protocol";
import { CallServer, listMethods, serveStream } from "@leveros/runtime";
import { ADMIN_ENVIRONMENT } from "../environments/environments.ts";
import { endStreams } from "../router/instance-target.ts";
import { type AdminParts, adminMethods } from "./admin-methods.ts";
import { ofAllHosts } from "./ask-all.ts";
import { ADMIN_SERVICE } from "./asked-host.ts";
import { AdminGuard, type GuardOptions } from "./guard.ts";

/** Calls at once. The admin service is not scaled. */
const CALLS_MAX = 100;

/** Streams of watchers at once, apart from the calls: people who look on must not keep a deploy out. */
const WATCHERS_MAX = 200;

/** Streaming methods that a watcher may follow. Others send bytes, or receive them. */
const FOLLOWED: ReadonlySet<string> = new Set([
  "watchEventsChan",
  "watchLogsChan",
  "watchCallsChan",
]);

export type AdminOptions = Omit<AdminParts, "caller" | "isAsked" | "noteChange" | "reader"> &
  Omit<GuardOptions, "access">;

/** Streaming methods that stay open for as long as somebody looks. */
const isWatcher = (method: string): boolean => method === "watchChan" || FOLLOWED.has(method);

/**
 * Adds Lever's own management to the routing table: a service like any other, whose one instance is the host. Its calls come
 * through the same gateway, router and link. The returned function ends its streams, when the host stops.
 */
export function startAdminService(options: AdminOptions): () => void {
  const { router, limits } = options;
  const guard = new AdminGuard({ ...options, access: options.tokens.index });
  const parts: AdminParts = {
    ...options,
    caller: () => guard.principal,
    isAsked: () => guard.isAsked,
    noteChange: (change) => guard.note(change),
    reader: (name) => readers.get(name),
  };
  const asked = Object.entries(adminMethods).map(([name, of]) => [name, ofAllHosts(name, of)]);
  const guarded = guard.guardAll(Object.fromEntries(asked), parts);
  const readers = new Map(
    Object.entries(adminMethods).flatMap(([name, { isChange, isStream }]) => {
      const run = guarded[name];
      const isReader = !isChange && (!isStream || FOLLOWED.has(name));
      return run !== undefined && isReader
        ? [[name, { isStream, run: (args: readonly unknown[]) => run(...args) }] as const]
        : [];
    }),
  );
  const methods = listMethods(guarded);
  const server = new CallServer(methods, {
    encode: valuePayload,
    replyBytesMax: limits.bodyBytesMax,
    isPlatform: true,
    serveStream,
  });
  const linkOf = (callsMax: number): Link =>
    memoryLink({
      messageBytesMax: limits.bodyBytesMax,
      callsMax,
      schedule: setImmediate,
      onCall: (request, side) =>
        guard.runAs(
          request.caller.kind === "admin" ? request.caller.principal : "",
          () => server.onCall(request, side),
          { isAsked: request.passedOn !== undefined },
        ),
    });
  const calls = linkOf(CALLS_MAX);
  const watchers = linkOf(WATCHERS_MAX);
  const callee: CallTarget = {
    open: (request, ...how) =>
      (isWatcher(request.target.method) ? watchers : calls).open(request, ...how),
  };
  const route = router.setService(ADMIN_ENVIRONMENT, ADMIN_SERVICE, {
    version: 1,
    isPrivate: false,
    methods: [...methods.keys()],
  });
  const target = { instance: "host", version: 1, callee, callsInFlight: 0, streamsInFlight: 0 };
  route.add(target);
  const stopping = new LeverError(
    "unavailable",
    "Cannot continue the stream: Lever is stopping. Open it again.",
    { retryAfterSeconds: 5 },
  );
  return () => endStreams(target, stopping);
}

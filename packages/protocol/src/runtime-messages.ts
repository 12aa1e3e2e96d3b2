import type { CallTarget } from "./call.ts";
import type { CallContext } from "./call-context.ts";
import type { TraceContext } from "./trace-ids.ts";

/** Sent by the host to a started runtime, which becomes an instance of this version. */
export interface Assignment {
  readonly environment: string;
  readonly service: string;
  readonly version: number;
  readonly instance: string;
  /** Absolute path of the unpacked code. */
  readonly codeDir: string;
  /** The module to load; undefined when the service is a separate program. */
  readonly jsEntry?: string | undefined;
  /** Command and arguments of the separate program. Exactly one of jsEntry and entry is set. */
  readonly entry?: readonly string[] | undefined;
  /** The program answers HTTP, on the port in PORT. Absent = it serves Lever RPC. */
  readonly http?: HttpProgram | undefined;
  /** Environment variables of the instance. */
  readonly variables: Readonly<Record<string, string>>;
  /** Modules of the code that are loaded before jsEntry. Absent = no variable needs a check before that, either. */
  readonly preload?: readonly PreloadedModule[];
  readonly bodyBytesMax: number;
  /** Most spans of a call, and bytes of them, that the service may record; 0 = none. */
  readonly spansMax: number;
  readonly spanBytesMax: number;
  /** See `TraceIds`. */
  readonly tracePrefix: string;
  /** The runtime switches to this user before it opens any file of the service; undefined = it keeps its user. */
  readonly user?: { readonly uid: number; readonly gid: number } | undefined;
  /** True when no other process of the machine has the instance's ports. */
  readonly hasOwnPorts?: boolean | undefined;
}

/** How a program on a port is served. */
export interface HttpProgram {
  /** It is ready when this path answers 2xx. undefined = when it accepts connections. */
  readonly readyPath: string | undefined;
}

/** A path in the code that begins with `./`, or the name of a package. */
export interface PreloadedModule {
  readonly by: "require" | "import";
  readonly module: string;
}

/** The control messages of a link between host and runtime, in both directions, as JSON. */
export type RuntimeMessage =
  /** host → runtime, once. The runtime refuses another link version than its own with `failed`. */
  | { readonly type: "assign"; readonly linkVersion: number; readonly assignment: Assignment }
  /** host → runtime, instead of `assign`: the runtime is to answer one call with the transformed sources of a folder */
  | {
      readonly type: "transform";
      readonly linkVersion: number;
      readonly codeDir: string;
      /** The module that the service starts with. */
      readonly entry: string;
      readonly user: Assignment["user"];
    }
  /** runtime → host: the process has started and accepts an assignment */
  | { readonly type: "started" }
  /** runtime → host: the service is loaded */
  | { readonly type: "ready"; readonly methods: readonly string[] }
  /** runtime → host: what the service has not done yet, in case the start takes too long; a later one replaces it */
  | { readonly type: "waiting"; readonly reason: string }
  /** runtime → host: the service cannot be loaded; the runtime exits */
  | { readonly type: "failed"; readonly reason: string }
  /** runtime → host: what the service has recorded in the course of a call */
  | ({ readonly type: "spans" } & RecordedSpans)
  /** runtime → host: it received SIGTERM, not from the host, and accepts no new calls */
  | { readonly type: "stopping" }
  /**
   * host → runtime, in a cluster: the instance may own resources until this boot time of the machine, in milliseconds, and a
   * later message replaces it (OwnersEnd). null = it owns none
   */
  | { readonly type: "ownersEnd"; readonly atMs: number | null }
  /** host → runtime: no further call follows; finish the open ones and exit */
  | { readonly type: "stop" };

/** The property of `globalThis` in which the client finds the link when it runs inside an instance. */
export const INSTANCE_LINK: unique symbol = Symbol.for("leveros.instance-link");

/** Spans that a service has recorded in the course of a call. */
export interface RecordedSpans {
  /** The number of the call. */
  readonly call: number;
  /** JSON of `SentSpan[]`. */
  readonly spans: string;
  readonly count: number;
  /** Further ones, which the bounds of a call have left out. */
  readonly dropped: number;
}

/** The call that the current code runs for. Calls made meanwhile are cancelled with it. */
export interface ActiveCall extends CallContext {
  /** Its number on the link of the instance, for the calls made in its course; undefined = it did not come over a link. */
  readonly callId: number | undefined;
  /** The span of the service that the current code runs in; undefined = none but that of the call. */
  readonly activeSpan?: TraceContext | undefined;
  /** Calls back once, when the call is cancelled or its deadline passes; not if `isCancelled` is true already. */
  onCancel(listener: () => void): void;
  offCancel(listener: () => void): void;
  /** As `signal.aborted`, without creating the signal, which most calls never need. */
  readonly isCancelled: boolean;
}

/** The value of that property, set by the runtime. */
export interface InstanceLink {
  /** Increased when a newer runtime changes the shape of this object. */
  readonly protocol: 1;
  readonly environment: string;
  readonly callee: CallTarget;
  /** The call that the current code runs for; undefined = none. */
  activeCall(): ActiveCall | undefined;
}

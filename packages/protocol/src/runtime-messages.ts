import type { CallTarget } from "./call.ts";
import type { CallContext } from "./call-context.ts";

/** What the host gives a runtime to become an instance of a version. */
export interface Assignment {
  readonly environment: string;
  readonly service: string;
  readonly version: number;
  readonly instance: string;
  /** Absolute path of the unpacked code. */
  readonly codeDir: string;
  /** The module to load; undefined for a service that is a program of its own. */
  readonly jsEntry?: string | undefined;
  /** The command of such a program, and its arguments. Exactly one of jsEntry and entry is set. */
  readonly entry?: readonly string[] | undefined;
  /** Set in the instance's environment. */
  readonly variables: Readonly<Record<string, string>>;
  readonly bodyBytesMax: number;
  /** Whom the runtime becomes before it touches anything of the service; undefined = it stays who it is. */
  readonly user?: { readonly uid: number; readonly gid: number } | undefined;
}

/** The control messages of a link between host and runtime, both directions, as JSON. */
export type RuntimeMessage =
  /** host → runtime, once */
  | { readonly type: "assign"; readonly assignment: Assignment }
  /** runtime → host: the process has started, and can be assigned */
  | { readonly type: "started" }
  /** runtime → host: the service is loaded */
  | { readonly type: "ready"; readonly methods: readonly string[] }
  /** runtime → host: the service cannot be loaded, and the runtime exits */
  | { readonly type: "failed"; readonly reason: string }
  /** runtime → host: it was told to stop by someone else, and takes no new calls */
  | { readonly type: "stopping" }
  /** host → runtime: the last call has been sent; finish what is there and exit */
  | { readonly type: "stop" };

/** Where the client finds the link when it runs inside an instance: a property of `globalThis`. */
export const INSTANCE_LINK: unique symbol = Symbol.for("leveros.instance-link");

/** A call in whose course code runs, which may make others. */
export interface ActiveCall extends CallContext {
  /** Calls back, once, when the caller leaves or the deadline is over; `signal` says whether that is so already. */
  onCancel(listener: () => void): void;
  offCancel(listener: () => void): void;
  /** What `signal` would say, without making one: most calls never have use for it. */
  readonly isCancelled: boolean;
}

/** What the runtime leaves there. */
export interface InstanceLink {
  /** Grows when a newer runtime changes the shape of this object. */
  readonly protocol: 1;
  readonly environment: string;
  readonly callee: CallTarget;
  /** The call in whose course the running code runs; undefined = in none. */
  activeCall(): ActiveCall | undefined;
}

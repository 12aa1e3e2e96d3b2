import type { InstanceLinkHandlers, RuntimeLink } from "../instance-link/instance-link.ts";
import type { LaunchedRuntime, Launcher } from "../launcher/launcher.ts";
import type { ServeInstanceCall } from "../router/serve-instance-calls.ts";
import type { InstanceLimits } from "./fleet-limits.ts";
import type { OutputContext } from "./instance-output.ts";

/** Shared by the instances of one host. */
export interface InstanceContext extends OutputContext {
  readonly launcher: Launcher;
  link(runtime: LaunchedRuntime, handlers: InstanceLinkHandlers): RuntimeLink;
  readonly limits: InstanceLimits;
  /** Serves a call that an instance makes. */
  readonly serveCall: ServeInstanceCall;
  /** The process of an instance has exited, and its memory is free. Called before its listener. */
  onMemoryFreed(ram: number): void;
}

import type { InvokeTyped, InvokeUntyped } from "./typed.ts";
import type { InvokeChanTyped, InvokeChanUntyped } from "./typed-streams.ts";

/** A service as callers see it. */
export interface RemoteService<Service = unknown> {
  readonly environment: string;
  readonly service: string;
  /**
   * Calls a regular method. With a function as last argument, that hears the outcome; without, the outcome comes as a
   * promise. Fails with a LeverError: `method_failed`, with the original `value`, when the method did.
   */
  readonly invoke: unknown extends Service ? InvokeUntyped : InvokeTyped<Service, "service">;
  /** Opens a conversation with a streaming method, as a promise or to a callback. */
  readonly invokeChan: unknown extends Service
    ? InvokeChanUntyped
    : InvokeChanTyped<Service, "service">;
}

/** A resource of a service as callers see it. */
export interface RemoteResource<Service = unknown> {
  readonly environment: string;
  readonly service: string;
  readonly resource: string;
  /** As `invoke` of the service; the method gets the resource as its first argument. */
  readonly invoke: unknown extends Service ? InvokeUntyped : InvokeTyped<Service, "resource">;
  /** As `invokeChan` of the service; the method gets the resource after its stream. */
  readonly invokeChan: unknown extends Service
    ? InvokeChanUntyped
    : InvokeChanTyped<Service, "resource">;
}

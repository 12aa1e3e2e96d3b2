import type { InvokeTyped, InvokeUntyped } from "./typed.ts";
import type { InvokeChanTyped, InvokeChanUntyped } from "./typed-streams.ts";

/** A service to call. */
export interface RemoteService<Service = unknown> {
  readonly environment: string;
  readonly service: string;
  /**
   * Calls a regular method. If the last argument is a function, it receives the outcome; otherwise `invoke` returns a
   * promise. Fails with a LeverError: `method_failed`, with the original `value`, when the method failed.
   */
  readonly invoke: unknown extends Service ? InvokeUntyped : InvokeTyped<Service, "service">;
  /** Opens a stream to a streaming method, as a promise or for a callback. */
  readonly invokeChan: unknown extends Service
    ? InvokeChanUntyped
    : InvokeChanTyped<Service, "service">;
}

/** A resource to call. */
export interface RemoteResource<Service = unknown> {
  readonly environment: string;
  readonly service: string;
  readonly resource: string;
  /** As `invoke` of the service. Lever passes the resource to the method as its first argument. */
  readonly invoke: unknown extends Service ? InvokeUntyped : InvokeTyped<Service, "resource">;
  /** As `invokeChan` of the service. Lever passes the resource to the method after the stream. */
  readonly invokeChan: unknown extends Service
    ? InvokeChanUntyped
    : InvokeChanTyped<Service, "resource">;
}

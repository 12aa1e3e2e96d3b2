import type { Callback } from "./callback.ts";
import type { Wire } from "./json-types.ts";
import type { RemoteStream } from "./remote-stream.ts";
import type { ServiceStream } from "./service-stream.ts";

/** What TypeScript knows of a service's streaming methods from the type of its module. */

type AnyFunction = (...args: never[]) => unknown;

/** The streaming methods of a service. */
export type StreamName<Service> = {
  [Name in keyof Service]: Service[Name] extends AnyFunction
    ? Name extends `${string}Chan` | `${string}_chan` | "chan"
      ? Name extends `_${string}`
        ? never
        : Name
      : never
    : never;
}[keyof Service] &
  string;

/** What callers pass: the parameters after the stream, and after the resource when the call names one. */
type StreamArguments<Method, CallTarget extends "service" | "resource"> = Method extends (
  stream: never,
  ...args: infer Parameters
) => unknown
  ? CallTarget extends "service"
    ? Parameters
    : Parameters extends [unknown?, ...infer Rest]
      ? Rest
      : never
  : never;

/** The caller's end of a method's stream: what one side receives the other one sends. */
type StreamOf<Method> = Method extends (stream: infer Stream, ...args: never[]) => infer Returned
  ? RemoteStream<SentTo<Stream>, Wire<ReceivedFrom<Stream, Returned>>>
  : never;

type SentTo<Stream> = Stream extends ServiceStream<infer Received, never> ? Received : unknown;

/** What a generator yields, or else what the stream can be written. */
type ReceivedFrom<Stream, Returned> = Returned extends
  | AsyncGenerator<infer Yielded>
  | Generator<infer Yielded>
  ? Yielded
  : Stream extends { write(message: infer Sent): boolean }
    ? Sent
    : unknown;

/** `invokeChan` where the service's module is known. */
export interface InvokeChanTyped<Service, CallTarget extends "service" | "resource"> {
  <Name extends StreamName<Service>>(
    method: Name,
    ...args: [
      ...args: StreamArguments<Service[Name], CallTarget>,
      callback: Callback<StreamOf<Service[Name]>>,
    ]
  ): undefined;
  <Name extends StreamName<Service>>(
    method: Name,
    ...args: StreamArguments<Service[Name], CallTarget>
  ): Promise<StreamOf<Service[Name]>>;
}

/** `invokeChan` where nothing is known of the service. */
export interface InvokeChanUntyped {
  (method: string, ...args: [...args: unknown[], callback: Callback<RemoteStream>]): undefined;
  (method: string, ...args: unknown[]): Promise<RemoteStream>;
}

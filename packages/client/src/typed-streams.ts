import type { Callback } from "./callback.ts";
import type { Wire } from "./json-types.ts";
import type { RemoteStream } from "./remote-stream.ts";
import type { ServiceStream } from "./service-stream.ts";
import type { StreamingName } from "./typed.ts";

/* The types of a service's streaming methods, derived from the type of its module. */

type AnyFunction = (...args: never[]) => unknown;

/** The streaming methods of a service. */
export type StreamName<Service> = {
  [Name in keyof Service]: Service[Name] extends AnyFunction
    ? Name extends StreamingName
      ? Name extends `_${string}`
        ? never
        : Name
      : never
    : never;
}[keyof Service] &
  string;

/** The arguments of a call: the parameters after the stream; to a resource, those after the resource. */
type StreamArguments<Method, Kind extends "service" | "resource"> = Method extends (
  stream: never,
  ...args: infer Parameters
) => unknown
  ? Kind extends "service"
    ? Parameters
    : Parameters extends [unknown?, ...infer Rest]
      ? Rest
      : never
  : never;

/** The caller's end of a method's stream: it sends what the method receives, and the reverse. */
type StreamOf<Method> = Method extends (stream: infer Stream, ...args: never[]) => infer Returned
  ? RemoteStream<SentTo<Stream>, Wire<ReceivedFrom<Stream, Returned>>>
  : never;

type SentTo<Stream> = Stream extends ServiceStream<infer Received, never> ? Received : unknown;

/** The type that a generator yields, otherwise the type that the method may write. */
type ReceivedFrom<Stream, Returned> = Returned extends
  | AsyncGenerator<infer Yielded>
  | Generator<infer Yielded>
  ? Yielded
  : Stream extends { write(message: infer Sent): boolean }
    ? Sent
    : unknown;

/** `invokeChan` of a service whose type is known. */
export interface InvokeChanTyped<Service, Kind extends "service" | "resource"> {
  <Name extends StreamName<Service>>(
    method: Name,
    ...args: [
      ...args: StreamArguments<Service[Name], Kind>,
      callback: Callback<StreamOf<Service[Name]>>,
    ]
  ): undefined;
  <Name extends StreamName<Service>>(
    method: Name,
    ...args: StreamArguments<Service[Name], Kind>
  ): Promise<StreamOf<Service[Name]>>;
}

/** `invokeChan` of a service whose type is unknown. */
export interface InvokeChanUntyped {
  (method: string, ...args: [...args: unknown[], callback: Callback<RemoteStream>]): undefined;
  (method: string, ...args: unknown[]): Promise<RemoteStream>;
}

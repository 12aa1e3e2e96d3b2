import type { ResourceHook } from "@leveros/protocol";
import type { Callback } from "./callback.ts";
import type { IsAny, Wire } from "./json-types.ts";

/*
 * The types of a service's methods, derived from the type of its module without code generation. Types only: nothing of
 * this file exists at run time.
 */

type AnyFunction = (...args: never[]) => unknown;

/** Names of streaming methods. */
export type StreamingName = `${string}Chan` | `${string}_chan` | "chan";

/** Names that are not regular methods. */
type OtherName = `_${string}` | StreamingName | "default" | ResourceHook | Capitalize<ResourceHook>;

/** The regular methods of a service. */
export type MethodName<Service> = {
  [Name in keyof Service]: Service[Name] extends AnyFunction
    ? Name extends OtherName
      ? never
      : Name
    : never;
}[keyof Service] &
  string;

/** The arguments of a call: the method's parameters without the callback. For bytes any Uint8Array is accepted. */
export type MethodArguments<Method> = Method extends (...args: infer Parameters) => unknown
  ? Sendable<WithoutCallback<Parameters>>
  : never;

/** The arguments of a call to a resource, without the method's first parameter: Lever passes the resource. */
export type ResourceArguments<Method> =
  MethodArguments<Method> extends infer Parameters
    ? Parameters extends []
      ? []
      : Parameters extends [unknown?, ...infer Rest]
        ? Rest
        : never
    : never;

/** The result of a call: the value of the method's promise or callback, otherwise its return value. */
export type MethodResult<Method> = Method extends (...args: infer Parameters) => infer Returned
  ? Returned extends PromiseLike<infer Result>
    ? Wire<Result>
    : IsAny<LastOf<Parameters>> extends true
      ? ResultOfEitherStyle<Returned>
      : LastOf<Parameters> extends AnyFunction
        ? CallbackResult<LastOf<Parameters>>
        : Wire<Returned>
  : never;

/** `invoke` of a service whose type is known. */
export interface InvokeTyped<Service, Kind extends "service" | "resource"> {
  <Name extends MethodName<Service>>(
    method: Name,
    ...args: [
      ...args: CallArguments<Service[Name], Kind>,
      callback: Callback<MethodResult<Service[Name]>>,
    ]
  ): undefined;
  <Name extends MethodName<Service>>(
    method: Name,
    ...args: CallArguments<Service[Name], Kind>
  ): Promise<MethodResult<Service[Name]>>;
}

/** `invoke` of a service whose type is unknown. */
export interface InvokeUntyped {
  (method: string, ...args: [...args: unknown[], callback: Callback<unknown>]): undefined;
  (method: string, ...args: unknown[]): Promise<unknown>;
}

type CallArguments<Method, Kind extends "service" | "resource"> = Kind extends "resource"
  ? ResourceArguments<Method>
  : MethodArguments<Method>;

/** The type of the last parameter; undefined without parameters. */
type LastOf<Parameters extends unknown[]> =
  Required<Parameters> extends [...unknown[], infer Last] ? Last : undefined;

/** A last parameter of type `any` may be a callback. A method that returns a value needs none. */
type ResultOfEitherStyle<Returned> = Wire<Returned> extends null ? unknown : Wire<Returned>;

type CallbackResult<Method> = Method extends (...args: infer Outcome) => unknown
  ? number extends Outcome["length"]
    ? Wire<Outcome[number]>
    : Required<Outcome> extends [unknown, infer Result, ...unknown[]]
      ? Wire<Result>
      : null
  : never;

type WithoutCallback<Parameters extends unknown[]> =
  IsAny<LastOf<Parameters>> extends true
    ? Parameters
    : LastOf<Parameters> extends AnyFunction
      ? WithoutLast<Parameters>
      : Parameters;

type WithoutLast<Parameters extends unknown[]> = Parameters extends [...infer Rest, unknown?]
  ? Rest
  : never;

type Sendable<Parameters extends unknown[]> = {
  [Index in keyof Parameters]: Parameters[Index] extends Uint8Array
    ? Uint8Array
    : Parameters[Index];
};

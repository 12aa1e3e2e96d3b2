import type { AdminMethods, AdminStreams, Right } from "@leveros/protocol";
import type { ServiceStream } from "@leveros/runtime";
import type { Clock } from "../clock.ts";
import type { Argument } from "./arguments.ts";
import { hostsOption } from "./hosts-option.ts";
import type { HostStream } from "./open-all.ts";

type Arguments = readonly Argument<unknown>[];

/** The values that a list of arguments reads. */
type ValuesOf<List extends Arguments> = {
  [Index in keyof List]: List[Index] extends Argument<infer Value> ? Value : never;
};

/** A method of the admin service, apart from its code. Guard, audit, argument checks and reference derive from it. */
export interface Declaration<List extends Arguments = Arguments> {
  /** Needed in the environment that the method's arguments name; in all environments when they name none. `any` = none is. */
  readonly right: Right | "any";
  /** Returns true for arguments with which the right is needed in all environments. */
  readonly needsAll?: (args: readonly unknown[]) => boolean;
  /** The method changes something: the audit records its calls. */
  readonly isChange: boolean;
  /** A second name, of clients of the original Lever. */
  readonly alias?: string;
  readonly arguments: List;
  /** One sentence for the reference, without its subject: `Lists …`. */
  readonly does: string;
}

/** The reply of one host of a cluster. */
export interface HostReply<Reply> {
  readonly host: string;
  readonly reply: Reply;
}

/** Makes one reply of those of several hosts, of which there is at least one. */
export type Merge<Reply, Values extends readonly unknown[] = []> = (
  replies: readonly HostReply<Reply>[],
  ...values: Values
) => Reply;

/** Sends what several hosts send. The streams are open. */
export type StreamMerge = (
  streams: readonly HostStream[],
  to: { readonly stream: ServiceStream; readonly clock: Clock; readonly args: readonly unknown[] },
) => Promise<void>;

/** `Parts` are the host's parts that the method works with. */
export interface AdminMethod<Parts, Reply = unknown> extends Declaration {
  /** The first argument of a call is its stream, before the declared ones. */
  readonly isStream: boolean;
  /** All hosts of a cluster answer it together. Absent = one host answers for all. */
  merge?(replies: readonly HostReply<Reply>[], args: readonly unknown[]): Reply;
  readonly mergeStreams?: StreamMerge;
  /** Reads the arguments of a call, and runs the method. */
  call(parts: Parts, args: readonly unknown[]): Reply | Promise<Reply>;
}

/** Every method of the admin service by name. */
export type MethodTable<Parts> = {
  readonly [Name in keyof AdminMethods]: AdminMethod<Parts, ReturnType<AdminMethods[Name]>>;
} & { readonly [Name in keyof AdminStreams]: AdminMethod<Parts, void> };

/** The methods of one file, for their part of the table. */
export type Methods<Parts, Name extends keyof MethodTable<Parts>> = Pick<MethodTable<Parts>, Name>;

export function adminMethod<Parts, Reply, const List extends Arguments>(
  declaration: Declaration<List> & { readonly merge?: Merge<Reply, ValuesOf<List>> },
  run: (parts: Parts, ...values: ValuesOf<List>) => Reply | Promise<Reply>,
): AdminMethod<Parts, Reply> {
  const { merge, ...declared } = declaration;
  const list = declared.arguments;
  return {
    ...declared,
    isStream: false,
    call: (parts, args) => run(parts, ...readAll(list, args)),
    ...(merge !== undefined && {
      arguments: [...list, hostsOption],
      merge: (replies: readonly HostReply<Reply>[], args: readonly unknown[]) =>
        merge(replies, ...readAll(list, args)),
    }),
  };
}

export function adminStream<Parts, const List extends Arguments>(
  declaration: Declaration<List> & { readonly mergeStreams?: StreamMerge },
  run: (parts: Parts, stream: ServiceStream, ...values: ValuesOf<List>) => void | Promise<void>,
): AdminMethod<Parts, void> {
  const list = declaration.arguments;
  return {
    ...declaration,
    isStream: true,
    // The call server passes the stream of a streaming method first.
    call: (parts, [stream, ...args]) => run(parts, stream as ServiceStream, ...readAll(list, args)),
    ...(declaration.mergeStreams !== undefined && { arguments: [...list, hostsOption] }),
  };
}

function readAll<List extends Arguments>(list: List, args: readonly unknown[]): ValuesOf<List> {
  // TypeScript does not follow map() over a tuple.
  return list.map((argument, index) => argument.read(args[index])) as ValuesOf<List>;
}

/** The argument of a call that has a role, as it was sent; undefined = the method declares none. */
export function argumentWithRole(
  method: Pick<AdminMethod<never>, "arguments" | "isStream">,
  role: NonNullable<Argument<unknown>["role"]>,
  args: readonly unknown[],
): { readonly value: unknown } | undefined {
  const index = method.arguments.findIndex((argument) => argument.role === role);
  return index === -1 ? undefined : { value: args[method.isStream ? index + 1 : index] };
}

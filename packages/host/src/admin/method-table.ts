import type { AdminMethods, AdminStreams, Right } from "@leveros/protocol";
import type { ServiceStream } from "@leveros/runtime";
import type { Argument } from "./arguments.ts";

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

/** `Parts` are the host's parts that the method works with. */
export interface AdminMethod<Parts, Reply = unknown> extends Declaration {
  /** The first argument of a call is its stream, before the declared ones. */
  readonly isStream: boolean;
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
  declaration: Declaration<List>,
  run: (parts: Parts, ...values: ValuesOf<List>) => Reply | Promise<Reply>,
): AdminMethod<Parts, Reply> {
  return {
    ...declaration,
    isStream: false,
    call: (parts, args) => run(parts, ...readAll(declaration.arguments, args)),
  };
}

export function adminStream<Parts, const List extends Arguments>(
  declaration: Declaration<List>,
  run: (parts: Parts, stream: ServiceStream, ...values: ValuesOf<List>) => void | Promise<void>,
): AdminMethod<Parts, void> {
  return {
    ...declaration,
    isStream: true,
    // The call server passes the stream of a streaming method first.
    call: (parts, [stream, ...args]) =>
      run(parts, stream as ServiceStream, ...readAll(declaration.arguments, args)),
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

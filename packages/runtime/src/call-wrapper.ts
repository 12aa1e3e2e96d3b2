import { type CallStyle, callStyle } from "./call-style.ts";
import type { ExportedMethod, Method } from "./list-methods.ts";

interface NamedMethod extends ExportedMethod {
  readonly name: string;
}

/**
 * Calls a wrapper with a callback, and finds the style of the function that it wraps: the first one that it applies to its
 * arguments while it runs. If that returns its result, it does not get the callback: it could take it for an optional
 * argument. undefined = it has not applied any yet.
 *
 * A function's closure cannot be read. So `apply` and `call` are replaced while the wrapper runs, once for each wrapper.
 */
export function callWrapper(
  { call: wrapper, owner, name }: NamedMethod,
  args: readonly unknown[],
  callback: Method,
): { readonly returned: unknown; readonly style: CallStyle | undefined } {
  const { apply: reflectApply } = Reflect;
  const { apply, call } = Function.prototype;
  let style: CallStyle | undefined;
  /** The arguments that a function gets instead of those that it is applied to. */
  const argumentsOf = (
    applied: unknown,
    given: ArrayLike<unknown> | null | undefined,
  ): unknown[] => {
    const list = Array.from(given ?? []);
    if (typeof applied !== "function" || list.length === 0 || list.at(-1) !== callback) return list;
    const found = callStyle(applied as Method);
    if (found.kind === "wrapper") return list;
    // Functions of JavaScript itself, as console.log or push, are not what it wraps.
    if (
      !Function.prototype.toString.call(applied).endsWith("{ [native code] }") ||
      found.kind === "unknown"
    ) {
      style ??= found;
    }
    return placeCallback(found, list.slice(0, -1), { name, callback });
  };
  try {
    Reflect.set(Function.prototype, "apply", function (this: Method, self: unknown, list: []) {
      return reflectApply(this, self, argumentsOf(this, list));
    });
    Reflect.set(
      Function.prototype,
      "call",
      function (this: Method, self: unknown, ...list: unknown[]) {
        return reflectApply(this, self, argumentsOf(this, list));
      },
    );
    Reflect.set(Reflect, "apply", (applied: Method, self: unknown, list: []) =>
      reflectApply(applied, self, argumentsOf(applied, list)),
    );
    const returned = reflectApply(wrapper, owner, [...args, callback]);
    return { returned, style };
  } finally {
    Reflect.set(Function.prototype, "apply", apply);
    Reflect.set(Function.prototype, "call", call);
    Reflect.set(Reflect, "apply", reflectApply);
  }
}

/**
 * Adds the callback to the arguments of a function, where its style expects one.
 * @throws Error when the arguments leave no parameter for it.
 */
export function placeCallback(
  style: CallStyle,
  args: unknown[],
  { name, callback }: { readonly name: string; readonly callback: Method },
): unknown[] {
  switch (style.kind) {
    case "returns":
      break;
    case "parameter":
      if (args.length > style.index) {
        throw new Error(
          `Cannot call ${name}: it takes ${style.index} argument${style.index === 1 ? "" : "s"}, and received ${args.length}.`,
        );
      }
      args[style.index] = callback;
      break;
    case "unknown":
      // As many arguments as parameters: none is left for a callback.
      if (args.length < style.length) args[style.length - 1] = callback;
      break;
    case "lastArgument":
    case "wrapper":
      args.push(callback);
      break;
  }
  return args;
}

import { splitFunction } from "./function-text.ts";

/** How a function answers a call (ADR 4). */
export type CallStyle =
  /** It returns its result, or a promise of it. */
  | { readonly kind: "returns" }
  /** It calls back. Its callback is the parameter at this index. */
  | { readonly kind: "parameter"; readonly index: number }
  /** It calls back. It takes the callback from the end of its arguments, however many there are. */
  | { readonly kind: "lastArgument" }
  /** Its text is unknown, but not its number of parameters. The last one may be a callback. */
  | { readonly kind: "unknown"; readonly length: number }
  /** It passes its arguments on to another function, whose style counts. Which one, its first call shows. */
  | { readonly kind: "wrapper" };

const RETURNS: CallStyle = { kind: "returns" };
const LAST_ARGUMENT: CallStyle = { kind: "lastArgument" };
const WRAPPER: CallStyle = { kind: "wrapper" };

/** Names of callback parameters, recognized also when the body only passes the callback on. */
const CALLBACK_NAME = /^_?(?:callback|cb|done|next|reply|respond)$|Callback$|Cb$/;
/** Names in any alphabet: what a service runs is JavaScript already, and Unicode's own classes are large. */
const ID = "[\\w$\\u0080-\\uffff]+";
/** A parameter without a default. */
const NAME = new RegExp(`^\\s*(${ID})\\s*$`);
/** The text after the name of a function that is called. */
const CALL = /\s*(?:\?\.\s*)?(?:\.(?:call|apply)\s*)?\(/y;
/** A character before a name that makes it another one, or a property. */
const PART_OF_NAME = /[\w$.]/;
/** Before a name that is no part of another one, and no property. It may follow `...`. */
const START = "(?<![\\w$])(?<!(?<!\\.\\.)\\.)";
/** An expression, up to what is searched. An assignment in it would be another one. */
const EXPRESSION = "(?:[^;\\n=]|[=!<>]==?|=>)*?";

/**
 * The style of a function, by its source text: `length` does not distinguish `(name, callback)` from `(name, greeting)`.
 *
 * - The last parameter is a callback if it is named like one, or called in the body.
 * - A function that takes the last of its `arguments`, or of a rest parameter, and calls it or names it like a callback,
 *   calls back. So does one that tests whether one of them is a function: arguments are JSON.
 * - A function that applies another one to all of its arguments (`fn.apply(this, arguments)`) is a wrapper.
 * - Native async functions and generators return their result.
 */
export function callStyle(method: (...args: never[]) => unknown): CallStyle {
  // `util.deprecate` makes the function that it wraps the prototype.
  const prototype: unknown = Object.getPrototypeOf(method);
  if (
    typeof prototype === "function" &&
    Object.hasOwn(prototype, "length") &&
    prototype.name !== ""
  ) {
    return callStyle(prototype as (...args: never[]) => unknown);
  }
  if (method.constructor?.name !== "Function") return RETURNS;
  const text = Function.prototype.toString.call(method);
  if (text.endsWith("{ [native code] }")) {
    return method.name.startsWith("bound ") && method.length > 0
      ? { kind: "unknown", length: method.length }
      : RETURNS;
  }
  const parts = splitFunction(text);
  if (parts === undefined) return RETURNS;
  const { parameters, body, isArrow } = parts;
  const last = parameters.at(-1) ?? "";
  const name = NAME.exec(last)?.[1];
  if (name !== undefined && (CALLBACK_NAME.test(name) || isCalled(name, body))) {
    return { kind: "parameter", index: parameters.length - 1 };
  }
  const rest = last.includes("...") ? match(last, `^\\s*\\.\\.\\.\\s*(${ID})\\s*$`) : undefined;
  const list = rest ?? (!isArrow && body.includes("arguments") ? "arguments" : undefined);
  if (list === undefined) return RETURNS;
  if (takesCallback(list, body)) return LAST_ARGUMENT;
  if (/\breturn\s+new\s+Promise\s*\(/.test(body)) return RETURNS;
  // The length of what it wraps, as `AsyncResource.bind` sets it.
  if (rest !== undefined && parameters.length === 1 && method.length > 0) {
    return { kind: "unknown", length: method.length };
  }
  return passesOn(list, body) ? WRAPPER : RETURNS;
}

/** A pattern for a list of arguments and its copies in the body. */
function copiesOf(list: string, body: string): string {
  const copies = matches(body, `(${ID})\\s*=\\s*${EXPRESSION}${START}${literal(list)}(?![\\w$])`);
  // A rest parameter as compilers for old engines write it.
  copies.push(...matches(body, `(${ID})\\[[^\\]\\n]+\\]\\s*=\\s*${literal(list)}\\[`));
  return `${START}(?:${[...new Set([list, ...copies])].map(literal).join("|")})`;
}

/** True when the body takes a callback from the end of a list of arguments, or of a copy of it. */
function takesCallback(list: string, body: string): boolean {
  const any = copiesOf(list, body);
  const taken = [
    `${any}\\.pop\\(\\)`,
    `${any}\\.at\\(-1\\)`,
    `${any}\\[\\s*(?:${any}\\.length\\s*-\\s*1|\\d+)\\s*\\]`,
    `${any}\\.slice\\(-1\\)\\[0\\]`,
    `\\.pop\\.call\\(\\s*${any}\\s*\\)`,
    `\\bArrayPrototypePop\\(\\s*${any}\\s*\\)`,
  ].join("|");
  if (has(body, `(?:${taken})\\s*(?:\\?\\.)?(?:\\.(?:call|apply))?\\(`)) return true;
  if (has(body, `typeof\\s+${any}(?![\\w$])[^=!;\\n]*[=!]==?\\s*["'\`]function["'\`]`)) return true;
  if (has(body, `${any}\\.(?:find|findLast|filter)\\([^;]*["'\`]function["'\`]`)) return true;
  const names = [
    ...matches(body, `(${ID})\\s*=\\s*${EXPRESSION}(?:${taken})`),
    ...matches(body, `[,[]\\s*(${ID})\\s*\\]\\s*=\\s*${any}(?![\\w$(])`),
  ];
  return names.some((name) => CALLBACK_NAME.test(name) || isCalled(name, body));
}

/** True when the body applies a function to a list of arguments, or to a copy of it. */
function passesOn(list: string, body: string): boolean {
  const any = copiesOf(list, body);
  return (
    has(body, `\\.apply\\(\\s*[^,()]+,\\s*${any}\\s*\\)`) ||
    has(body, `\\.call\\(\\s*[^,()]+,\\s*\\.\\.\\.\\s*${any}\\s*\\)`) ||
    has(body, `\\bReflect\\.apply\\(\\s*[^,()]+,\\s*[^,()]+,\\s*${any}\\s*\\)`)
  );
}

/** True when a body calls a function by its name, which is no property of something else. */
function isCalled(name: string, body: string): boolean {
  for (let at = body.indexOf(name); at !== -1; at = body.indexOf(name, at + 1)) {
    CALL.lastIndex = at + name.length;
    if (CALL.test(body) && !PART_OF_NAME.test(body[at - 1] ?? "")) return true;
  }
  return false;
}

function has(text: string, pattern: string): boolean {
  return new RegExp(pattern).test(text);
}

function match(text: string, pattern: string): string | undefined {
  return new RegExp(pattern).exec(text)?.[1];
}

function matches(text: string, pattern: string): string[] {
  return Array.from(text.matchAll(new RegExp(pattern, "g")), ([, name]) => name ?? "");
}

function literal(name: string): string {
  return name.replaceAll("$", "\\$");
}

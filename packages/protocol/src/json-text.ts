import { plainText } from "./plain-text.ts";

/** Length of a path in an error message, in characters. */
const PATH_LENGTH_MAX = 200;

/**
 * The JSON of a value. Refused is a value of which JSON would lose a part without an error.
 *
 * - Dates become ISO strings, and an object with `toJSON` what that returns.
 * - undefined becomes null, or is left out of an object. NaN and infinities become null.
 * - Objects that a class made are sent as their own enumerable properties. One without any is refused, as is one with
 *   private fields: its data would be lost.
 * @param root the name of the value in errors.
 * @throws TypeError with the path inside the value, its type, and a remedy.
 */
export function jsonText(value: unknown, root: string): string {
  const plain = plainText(value);
  if (plain !== undefined) return plain;
  try {
    return JSON.stringify(value, refuseLosses(root)) ?? "null";
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new TypeError(`${root} is nested too deep for JSON, or too large. Send a smaller value.`);
  }
}

/** A replacer for JSON.stringify, which throws at the first value that JSON would lose. */
function refuseLosses(root: string): (this: unknown, key: string, value: unknown) => unknown {
  /** The objects around the current value, and the path of each. */
  const holders: { readonly object: unknown; readonly path: string }[] = [];
  return function (this: unknown, key: string, value: unknown): unknown {
    while (holders.length > 0 && holders.at(-1)?.object !== this) holders.pop();
    const holder = holders.at(-1);
    const path = holder === undefined ? root : pathOf(holder.path, key, Array.isArray(this));
    if (typeof value === "object" && value !== null) {
      const above = holders.find(({ object }) => object === value);
      if (above !== undefined) {
        const problem = `${path} is a circular reference to ${above.path}`;
        throw new TypeError(`${problem}. Leave it out, or send an identifier instead.`);
      }
      holders.push({ object: value, path });
    }
    const loss = describeLoss(value);
    if (loss !== undefined) throw new TypeError(`${path} is ${loss.what}. ${loss.remedy}`);
    return value;
  };
}

interface Loss {
  /** Completes "result.tags is …". */
  readonly what: string;
  readonly remedy: string;
}

const AS_DATA = "Send its data as a plain object, or give its class a toJSON method.";

/**
 * Remedies for the types of the platform, by their tag. Their own properties are not their data. Made when a value is
 * refused: every instance would keep the list in memory.
 */
const remedies = (): ReadonlyMap<string, string> =>
  new Map([
    ["Map", "Send Object.fromEntries(map), or [...map]."],
    ["Set", "Send [...set]."],
    ["WeakMap", "Its entries cannot be listed: leave it out."],
    ["WeakSet", "Its entries cannot be listed: leave it out."],
    ["WeakRef", "Send the object of its deref()."],
    ["Promise", "Await it first."],
    ["Error", "Throw it, or send its message."],
    ["RegExp", "Send its source."],
    ["ArrayBuffer", "Send a Buffer of it, alone: new Uint8Array(buffer)."],
    ["SharedArrayBuffer", "Send a copy of its bytes, alone, as a Uint8Array."],
    ["DataView", "Send its bytes, alone, as a Uint8Array."],
    ["Response", "Send what await response.json(), .text() or .bytes() returns."],
    ["Request", "Send what await request.json(), .text() or .bytes() returns."],
    ["Headers", "Send Object.fromEntries(headers)."],
    ["URLSearchParams", "Send its text: String(params)."],
    ["FormData", "Send Object.fromEntries(form)."],
    ["Blob", "Send await blob.bytes(), alone."],
    ["File", "Send await file.bytes(), alone."],
    ["ReadableStream", "Read it first, or write its messages in a streaming method."],
    ["Generator", "Send [...generator], or yield its values in a streaming method."],
    ["AsyncGenerator", "Collect its values first, or yield them in a streaming method."],
  ]);

/** Whether JSON would lose a value, after its toJSON. Parts of objects are checked on their own. */
function describeLoss(value: unknown): Loss | undefined {
  switch (typeof value) {
    case "function":
      return { what: "a function", remedy: "Leave it out, or send what it returns." };
    case "symbol":
      return { what: "a symbol", remedy: "Send its description." };
    case "bigint":
      return { what: "a BigInt", remedy: "Send it as text, String(value), or as a Number." };
    case "object":
      return value === null ? undefined : describeLostObject(value);
  }
  return undefined;
}

function describeLostObject(value: object): Loss | undefined {
  if (Array.isArray(value)) return undefined;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return undefined;
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  // JSON unwraps these.
  if (tag === "Number" || tag === "String" || tag === "Boolean") return undefined;
  const name = className(value) ?? tag;
  const what = `${/^[AEIO]/.test(name) ? "an" : "a"} ${name}`;
  const remedy = remedies().get(value instanceof Error ? "Error" : tag);
  if (remedy !== undefined) return { what, remedy };
  if ("then" in value && typeof value.then === "function") {
    return { what: `${what}, which is a promise`, remedy: "Await it first." };
  }
  const field = privateField(value);
  if (field !== undefined)
    return { what: `${what} with private state (${field})`, remedy: AS_DATA };
  // The data of an object of another realm, as of node:vm, are its own properties, too.
  if (Object.keys(value).length > 0 || ArrayBuffer.isView(value)) return undefined;
  if (name === "Object" && Object.getPrototypeOf(prototype) === null) return undefined;
  return { what: `${what} without own properties`, remedy: AS_DATA };
}

function className(value: object): string | undefined {
  const made: unknown = value.constructor;
  return typeof made === "function" && made.name !== "" ? made.name.slice(0, 60) : undefined;
}

/** The first private field of each class: undefined = none. */
const privateFields = new WeakMap<object, string | undefined>();

/** The first private field that the class of an object declares, or a class that it extends. Private methods are no state. */
function privateField(value: object): string | undefined {
  let prototype: unknown = Object.getPrototypeOf(value);
  for (let depth = 0; depth < 20 && typeof prototype === "object" && prototype !== null; depth++) {
    const made: unknown = prototype.constructor;
    if (typeof made === "function") {
      if (!privateFields.has(made)) {
        privateFields.set(made, declaredField(Function.prototype.toString.call(made)));
      }
      const field = privateFields.get(made);
      if (field !== undefined) return field;
    }
    prototype = Object.getPrototypeOf(prototype);
  }
  return undefined;
}

const STRINGS_AND_COMMENTS =
  /\/\*[\s\S]*?\*\/|\/\/.*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\[\s\S]|[^`\\])*`/g;
const PRIVATE_FIELD = /(?:^|[{};])\s*(#[\p{ID_Start}$_][\p{ID_Continue}$]*)\s*(?:;|=(?!=)|\}|$)/mu;

/** The first private field in the text of a class. */
function declaredField(text: string): string | undefined {
  if (!text.startsWith("class")) return undefined;
  return PRIVATE_FIELD.exec(text.replace(STRINGS_AND_COMMENTS, '""'))?.[1];
}

function pathOf(parent: string, key: string, isIndex: boolean): string {
  const step = isIndex
    ? `[${key}]`
    : /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key)
      ? `.${key}`
      : `[${JSON.stringify(key)}]`;
  const path = parent + step;
  return path.length > PATH_LENGTH_MAX ? `${path.slice(0, PATH_LENGTH_MAX - 1)}…` : path;
}

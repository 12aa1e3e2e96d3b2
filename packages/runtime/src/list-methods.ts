import { FETCH_METHOD, isCallableName, isReservedName } from "@leveros/protocol";

/** A function with any parameters. */
export type Method = (...args: never[]) => unknown;

/** A function that a module exports. */
export interface ExportedMethod {
  readonly call: Method;
  /** The object that it is a property of: `this` of its calls. */
  readonly owner: unknown;
}

/** Most methods of a module, and most characters of all their names. The host stores both for each version. */
const METHODS_MAX = 10_000;
const NAMES_LENGTH_MAX = 500_000;
/** Classes that a class may extend. A Proxy could go on forever. */
const PROTOTYPES_MAX = 100;

/** Why a module cannot be a service. The message completes "Its module cannot be loaded: …". */
export class UnusableModule extends Error {}

/**
 * The methods and hooks of a module: the functions that it exports, and those of its default export if that is an object.
 * The methods of an instance include those of its classes, up to Object.prototype and the classes of Node itself. A named
 * export precedes a method of the default export. Classes, and names that start with `_`, do not count. A default export with
 * `fetch` answers HTTP requests, and its other functions are its own: callers must not reach `get` of a framework.
 * @throws UnusableModule
 */
export function listMethods(namespace: unknown): Map<string, ExportedMethod> {
  const methods = new Map<string, ExportedMethod>();
  const exported = exportsOf(namespace);
  if (!isRecord(exported)) return methods;
  if (isApp(exported)) addFetch(methods, exported);
  else addMethods(methods, exported);
  if (Object.hasOwn(exported, "default")) {
    const byDefault = readExport(exported, "default");
    const isObject = typeof byDefault === "object" && byDefault !== null;
    if (isObject && !Array.isArray(byDefault)) {
      if (hasFetch(byDefault)) addFetch(methods, byDefault);
      else addMethods(methods, byDefault);
    }
  }
  if (methods.has("then")) {
    throw new UnusableModule(
      "it exports a function named then, so that JavaScript takes the module for a promise. Give the function another name",
    );
  }
  return methods;
}

/** The exports of a CommonJS module are its `module.exports`. */
export function exportsOf(namespace: unknown): unknown {
  return isRecord(namespace) && Object.hasOwn(namespace, "module.exports")
    ? namespace["module.exports"]
    : namespace;
}

function hasFetch(exported: object): boolean {
  return typeof readExport(exported, FETCH_METHOD) === "function";
}

/** True for an object of a class with `fetch` that is all that a CommonJS module exports. */
function isApp(exported: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(exported);
  const isPlain = prototype === null || prototype === Object.prototype;
  return typeof exported === "object" && !isPlain && hasFetch(exported);
}

function addFetch(methods: Map<string, ExportedMethod>, owner: object): void {
  if (methods.has(FETCH_METHOD)) return;
  methods.set(FETCH_METHOD, { call: readExport(owner, FETCH_METHOD) as Method, owner });
}

/** True for a function that can only be called with `new`. */
export function isClass(value: unknown): boolean {
  return typeof value === "function" && /^class\b/.test(Function.prototype.toString.call(value));
}

/** Adds the methods of an object that are not in the list yet: its own, then those of its classes. */
function addMethods(methods: Map<string, ExportedMethod>, owner: object): void {
  let namesLength = 0;
  const seen = new Set<string>();
  const add = (name: string, value: unknown): void => {
    if (seen.has(name)) return;
    seen.add(name);
    if (typeof value !== "function" || methods.has(name)) return;
    if (!isCallableName(name) && !isReservedName(name)) return;
    if (isClass(value)) return;
    methods.set(name, { call: value as Method, owner });
    namesLength += name.length;
    if (methods.size > METHODS_MAX || namesLength > NAMES_LENGTH_MAX) {
      throw new UnusableModule(
        `it exports more than ${METHODS_MAX} methods, or methods whose names have more than ${NAMES_LENGTH_MAX} characters. Export fewer functions`,
      );
    }
  };
  for (const name of Object.keys(owner)) add(name, readExport(owner, name));
  if (typeof owner === "function") return;
  let prototype: unknown = Object.getPrototypeOf(owner);
  for (let depth = 0; isOfService(prototype) && depth < PROTOTYPES_MAX; depth++) {
    for (const name of Object.getOwnPropertyNames(prototype)) {
      if (name === "constructor" || name in Object.prototype) continue;
      add(name, Object.getOwnPropertyDescriptor(prototype, name)?.value);
    }
    prototype = Object.getPrototypeOf(prototype);
  }
}

/** False for Object.prototype and the prototypes of Node's own classes: callers must not reach `emit` of an EventEmitter. */
function isOfService(prototype: unknown): prototype is object {
  if (typeof prototype !== "object" || prototype === null) return false;
  if (Object.getPrototypeOf(prototype) === null) return false;
  const made: unknown = Object.getOwnPropertyDescriptor(prototype, "constructor")?.value;
  if (typeof made !== "function") return true;
  if (Function.prototype.toString.call(made).endsWith("{ [native code] }")) return false;
  const { name } = made;
  const { getBuiltinModule } = process;
  return ![globalThis, getBuiltinModule("node:events"), getBuiltinModule("node:stream")].some(
    (classes) => Reflect.get(classes, name) === made,
  );
}

function readExport(exported: object, name: string): unknown {
  try {
    return Reflect.get(exported, name);
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new UnusableModule(`its export ${name} cannot be read: ${problem}`, { cause });
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

/** Nesting that the quick check follows. Deeper values are legal, but rare. */
const QUICK_DEPTH_MAX = 200;
/** The JSON of a value, if JSON surely represents all of it; undefined = it takes a closer look. */
export function plainText(value: unknown): string | undefined {
  return isPlain(value) ? (JSON.stringify(value) ?? "null") : undefined;
}

/**
 * True when a value has only primitive values, arrays, plain objects and dates. Every reply passes here: it allocates
 * nothing, and calls itself only for objects.
 */
function isPlain(value: unknown): boolean {
  return typeof value === "object" && value !== null ? isPlainObject(value, 0) : !needsLook(value);
}

/** True for a value that is not an object, and that JSON would lose. */
function needsLook(value: unknown): boolean {
  const type = typeof value;
  return type === "function" || type === "symbol" || type === "bigint";
}

function isPlainObject(value: object, depth: number): boolean {
  // A cycle ends here, too: the first way around it returns false, and so does the whole check.
  if (depth > QUICK_DEPTH_MAX) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) {
    const object = value as Readonly<Record<string, unknown>>;
    for (const key in object) {
      const part = object[key];
      if (typeof part === "string" || typeof part === "number") continue;
      if (typeof part === "object") {
        if (part !== null && !isPlainObject(part, depth + 1)) return false;
      } else if (needsLook(part)) return false;
    }
    return true;
  }
  if (prototype === Array.prototype) {
    const array = value as readonly unknown[];
    // An index loop takes two thirds of the time of `for … of`.
    for (let i = 0; i < array.length; i++) {
      const part = array[i];
      if (typeof part === "string" || typeof part === "number") continue;
      if (typeof part === "object") {
        if (part !== null && !isPlainObject(part, depth + 1)) return false;
      } else if (needsLook(part)) return false;
    }
    return true;
  }
  return prototype === Date.prototype;
}

export type AnyFunction = (this: unknown, ...args: unknown[]) => unknown;

/**
 * Replaces a function of an object. The new one keeps the name, the length and the other properties, such as
 * `util.promisify.custom`. Does nothing where this version of Node has no such function.
 */
export function replaceFunction(
  target: object,
  name: string,
  makeNew: (original: AnyFunction) => AnyFunction,
): void {
  const original: unknown = Reflect.get(target, name);
  if (typeof original !== "function") return;
  const made = makeNew(function (this: unknown, ...args) {
    return Reflect.apply(original, this ?? target, args);
  });
  for (const key of Reflect.ownKeys(original)) {
    const property = Reflect.getOwnPropertyDescriptor(original, key);
    if (key !== "prototype" && property !== undefined) Reflect.defineProperty(made, key, property);
  }
  Reflect.set(target, name, made);
}

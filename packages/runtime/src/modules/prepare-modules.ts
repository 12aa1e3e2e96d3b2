/**
 * Prepares Node for a service's modules. Must be called before the entry is loaded. A service without TypeScript and
 * source maps costs it two reads.
 */
export type PrepareModules = (codeDir: string, entry: string) => void;

/** The property of `globalThis` in which `module-hooks.ts` leaves that function for the runtime's program. */
export const PREPARE_MODULES: unique symbol = Symbol.for("leveros.prepare-modules");

/** Takes the function, so that services do not see it. Does nothing where the hooks are not loaded. */
export function takePrepareModules(): PrepareModules {
  const found: unknown = Reflect.get(globalThis, PREPARE_MODULES);
  Reflect.deleteProperty(globalThis, PREPARE_MODULES);
  return typeof found === "function" ? (found as PrepareModules) : () => {};
}

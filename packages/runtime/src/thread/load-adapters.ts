import { createRequire } from "node:module";

type Adapters = typeof import("./adapters.ts");

let adapters: Adapters | undefined;

/** The functions of adapters.ts, loaded at the first call. */
export function loadAdapters(): Adapters {
  if (adapters !== undefined) return adapters;
  const loaded: Adapters = createRequire(import.meta.filename)("./adapters.cjs");
  adapters = loaded;
  return loaded;
}

import { createRequire } from "node:module";
import { replaceFunction } from "../thread/replace-function.ts";
import type { OutputContext, OwnOutput } from "./own-output.ts";

/**
 * Makes what the service prints records with their level and their call. The code for it is loaded at the first use of the
 * output (scripts/bundle.ts): an instance that prints nothing does not need it.
 */
export function setUpOutput(context: OutputContext): () => OwnOutput {
  let output: OwnOutput | undefined;
  const load = (): OwnOutput => {
    const program: typeof import("./own-output.ts") = createRequire(import.meta.filename)(
      "./own-output.cjs",
    );
    output ??= program.openOutput(context);
    return output;
  };
  for (const name of ["stdout", "stderr"] as const) {
    const original = Object.getOwnPropertyDescriptor(process, name)?.get;
    if (original === undefined) continue;
    const get = (): unknown => load().stream(name, () => Reflect.apply(original, process, []));
    Object.defineProperty(process, name, { configurable: true, enumerable: true, get });
  }
  for (const name of ["debug", "error"] as const) {
    replaceFunction(console, name, (original) => (...args) => {
      load().printAt(name, () => original(...args));
    });
  }
  return load;
}

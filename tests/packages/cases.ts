import { databases } from "./databases.ts";
import { everyday } from "./everyday.ts";
import { frameworks } from "./frameworks.ts";
import { native } from "./native.ts";
import type { PackageCase } from "./package-case.ts";
import { wasm } from "./wasm.ts";
import { workers } from "./workers.ts";

/** Every package that is proved to work, by kind. */
export const packageCases: Readonly<Record<string, readonly PackageCase[]>> = {
  "compiled code": native,
  WebAssembly: wasm,
  "threads and processes": workers,
  databases,
  frameworks,
  libraries: everyday,
};

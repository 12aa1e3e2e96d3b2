/**
 * Node loads this program first in each thread and each Node program of an instance (`--require`). It adapts what Node
 * says about files, memory and users to the instance, and lets Node load transformed TypeScript. Modules of Node are adapted when the service first asks for them:
 * loading all of them would take megabytes in every idle instance.
 */
import { registerHooks, syncBuiltinESMExports } from "node:module";
import { pathToFileURL } from "node:url";
import "../modules/module-hooks.ts";
import { wrapFiles, wrapSynchronous } from "./hidden-files.ts";
import { wrapPrograms } from "./programs.ts";
import { replaceFunction } from "./replace-function.ts";
import { wrapMemoryOfProcess, wrapSystem } from "./system-values.ts";
import { wrapWorkers } from "./workers.ts";

/** Lever's own modules, which need no adapted ones. */
const ownModules = pathToFileURL(`${import.meta.dirname}/`).href;
/** False where the system itself hides files, as in containers. */
const hasPermissions = "permission" in process;

/** Functions that adapt a module. Each is removed when it has done so. */
const adapters = new Map<string, () => void>([
  ["os", () => wrapSystem(process.getBuiltinModule("os"))],
  ["worker_threads", () => wrapWorkers(process.getBuiltinModule("worker_threads"))],
]);
wrapMemoryOfProcess();
if (hasPermissions) {
  adapters.set("fs", () => wrapFiles(process.getBuiltinModule("fs")));
  // Its functions are adapted when they are first read from node:fs.
  adapters.set("fs/promises", () => void process.getBuiltinModule("fs").promises);
  for (const name of ["chdir", "loadEnvFile"]) wrapSynchronous(process, name);
  const program = import.meta.filename;
  adapters.set("child_process", () =>
    wrapPrograms(process.getBuiltinModule("child_process"), program),
  );
  adapters.set("v8", () => wrapSynchronous(process.getBuiltinModule("v8"), "writeHeapSnapshot"));
  adapters.set("inspector", () => {
    const inspector = process.getBuiltinModule("inspector");
    wrapSynchronous(inspector, "open");
    wrapSynchronous(inspector.Session.prototype, "connect");
  });
}

registerHooks({
  resolve(specifier, context, nextResolve) {
    if (!context.parentURL?.startsWith(ownModules)) adapt(specifier);
    return nextResolve(specifier, context);
  },
});
replaceFunction(process, "getBuiltinModule", (original) => (specifier) => {
  adapt(String(specifier));
  return original(specifier);
});

function adapt(specifier: string): void {
  const name = specifier.startsWith("node:") ? specifier.slice("node:".length) : specifier;
  const adapter = adapters.get(name);
  if (adapter === undefined) return;
  adapters.delete(name);
  adapter();
  syncBuiltinESMExports();
}

import { registerHooks, syncBuiltinESMExports } from "node:module";
import { pathToFileURL } from "node:url";
import { loadAdapters } from "./load-adapters.ts";
import { memoryOfInstance } from "./memory-of-instance.ts";
import { replaceFunction } from "./replace-function.ts";

/**
 * Adapts what Node says about files, memory and users to the instance. Modules of Node are adapted when the service first
 * asks for them: loading all of them would take megabytes in every idle instance.
 *
 * @param setupProgram the path of the program that does this in a thread, or in another Node program (thread-setup.ts).
 */
export function setUpThread(setupProgram: string): void {
  // Lever's own modules need no adapted ones.
  const ownModules = pathToFileURL(`${import.meta.dirname}/`).href;
  const adapters = new Map<string, () => void>([
    ["os", () => loadAdapters().wrapSystem(process.getBuiltinModule("os"))],
    [
      "worker_threads",
      () => loadAdapters().wrapWorkers(process.getBuiltinModule("worker_threads")),
    ],
  ]);
  const { constrained, available } = memoryOfInstance;
  replaceFunction(process, "constrainedMemory", (original) => () => constrained() ?? original());
  replaceFunction(process, "availableMemory", (original) => () => available() ?? original());
  // The system itself hides files elsewhere, as in containers.
  if ("permission" in process) hideFiles(adapters, setupProgram);

  const adapt = (specifier: string): void => {
    const name = specifier.startsWith("node:") ? specifier.slice("node:".length) : specifier;
    const adapter = adapters.get(name);
    if (adapter === undefined) return;
    adapters.delete(name);
    adapter();
    syncBuiltinESMExports();
  };
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
}

/** Adds the functions that adapt modules in a process with Node's permissions. */
function hideFiles(adapters: Map<string, () => void>, setupProgram: string): void {
  adapters.set("fs", () => loadAdapters().wrapFiles(process.getBuiltinModule("fs")));
  // Its functions are adapted when they are first read from node:fs.
  adapters.set("fs/promises", () => void process.getBuiltinModule("fs").promises);
  for (const name of ["chdir", "loadEnvFile"]) {
    replaceFunction(process, name, (original) => {
      return function answer(...args) {
        try {
          return original(...args);
        } catch (error) {
          return loadAdapters().answerRefusal(name, { args, error, answer });
        }
      };
    });
  }
  adapters.set("child_process", () =>
    loadAdapters().wrapPrograms(process.getBuiltinModule("child_process"), setupProgram),
  );
  adapters.set("v8", () =>
    loadAdapters().wrapSynchronous(process.getBuiltinModule("v8"), "writeHeapSnapshot"),
  );
  adapters.set("inspector", () => {
    const { wrapSynchronous } = loadAdapters();
    const inspector = process.getBuiltinModule("inspector");
    wrapSynchronous(inspector, "open");
    wrapSynchronous(inspector.Session.prototype, "connect");
  });
}

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** The version of the command. */
export function readVersion(): string {
  return readPackage().version;
}

/** The folder of the command's package. */
export function packageFolder(): string {
  return readPackage().folder;
}

function readPackage(): { readonly version: string; readonly folder: string } {
  // Beside the sources, above the bundle, or above its further files.
  for (let at = import.meta.dirname; at !== dirname(at); at = dirname(at)) {
    try {
      const { name, version } = JSON.parse(readFileSync(join(at, "package.json"), "utf8")) as {
        name: string;
        version: string;
      };
      if (name === "@leveros/cli") return { version, folder: at };
    } catch {
      // It is further up.
    }
  }
  throw new Error("The package.json of the lever command is missing.");
}

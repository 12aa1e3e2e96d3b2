import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** The version of the command. */
export function readVersion(): string {
  // Beside the sources, above the bundle, or above its further files.
  for (let at = import.meta.dirname; at !== dirname(at); at = dirname(at)) {
    try {
      const { name, version } = JSON.parse(readFileSync(join(at, "package.json"), "utf8")) as {
        name: string;
        version: string;
      };
      if (name === "@leveros/cli") return version;
    } catch {
      // It is further up.
    }
  }
  throw new Error("The package.json of the lever command is missing.");
}

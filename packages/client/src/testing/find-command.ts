import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** The program of the lever command that is installed for a folder. @throws Error when there is none. */
export function findCommand(dir: string): string {
  for (const from of [join(dir, "lever.json"), import.meta.url]) {
    try {
      const manifest = createRequire(from).resolve("@leveros/cli/package.json");
      return join(dirname(manifest), "bin/lever.js");
    } catch {
      // It may be installed elsewhere.
    }
  }
  throw new Error(
    "Cannot start Lever: the lever command is not installed. Run: npm install --save-dev @leveros/cli",
  );
}

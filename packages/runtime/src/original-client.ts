import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const PACKAGE = "/node_modules/leveros/";

/**
 * True for a module of the package `leveros` of the original Lever OS (0.1.x). It needs a native gRPC that Node no longer
 * loads. This Lever's package depends on its protocol.
 */
export function isOriginalClient(url: string): boolean {
  const end = url.lastIndexOf(PACKAGE);
  if (end === -1 || !url.startsWith("file:")) return false;
  try {
    const path = fileURLToPath(`${url.slice(0, end)}${PACKAGE}package.json`);
    const { dependencies } = JSON.parse(readFileSync(path, "utf8"));
    return dependencies?.["@leveros/protocol"] === undefined;
  } catch {
    return false;
  }
}

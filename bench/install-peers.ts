import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { peersFolder } from "./peer.ts";

/**
 * Installs the peers as they are locked, unless they are there. No script of a package runs: what a peer needs has to be
 * in its packages.
 */
export function installPeers(): void {
  if (isInstalled()) return;
  console.log("Installing the peers into bench/peers (once, about 550 MB) …");
  execFileSync("npm", ["ci", "--prefix", peersFolder, "--ignore-scripts"], { stdio: "inherit" });
}

/** npm notes in the folder what it has installed there. */
function isInstalled(): boolean {
  const noted = join(peersFolder, "node_modules/.package-lock.json");
  if (!existsSync(noted)) return false;
  const lock = (path: string): Record<string, { version?: string; optional?: boolean }> =>
    (JSON.parse(readFileSync(path, "utf8")) as { packages: Record<string, object> }).packages;
  const there = lock(noted);
  return Object.entries(lock(join(peersFolder, "package-lock.json"))).every(
    ([path, { version, optional }]) =>
      path === "" || optional === true || there[path]?.version === version,
  );
}

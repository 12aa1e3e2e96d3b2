/** Whether services can have users of their own on this machine with this data folder. */
import { execFile } from "node:child_process";
import { chmodSync, chownSync, mkdtempSync, realpathSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { firstUid } from "./service-users.ts";

const TRIAL_TIMEOUT_MS = 10_000;

/** Why services cannot have users of their own, as far as that shows without a trial; undefined = no reason found. */
export function usersMissing(dataDir: string): string | undefined {
  if (process.getuid?.() !== 0) return "Lever does not run as root";
  const closed = closedFolder(dirname(dataDir));
  if (closed === undefined) return undefined;
  return `other users cannot pass through ${closed} (chmod o+x, or --data elsewhere, such as /var/lib/lever)`;
}

/** The folder at or above a path that other users cannot pass through; undefined = they can reach the path. */
export function closedFolder(path: string): string | undefined {
  for (let dir = path; ; dir = dirname(dir)) {
    const mode = statSync(dir, { throwIfNoEntry: false })?.mode;
    if (mode !== undefined && (mode & 0o001) === 0) return dir;
    if (dir === dirname(dir)) return undefined;
  }
}

/** As `usersMissing`, but with a trial: another user must reach a new folder in the data folder and write to it. */
export async function tryUsers(dataDir: string): Promise<string | undefined> {
  const missing = usersMissing(realpathSync(dataDir));
  if (missing !== undefined) return missing;
  const uid = firstUid(dataDir);
  const mode = statSync(dataDir).mode & 0o777;
  chmodSync(dataDir, mode | 0o011);
  const dir = mkdtempSync(join(dataDir, "try-"));
  try {
    chownSync(dir, uid, uid);
    const settings = { uid, gid: uid, timeout: TRIAL_TIMEOUT_MS };
    await promisify(execFile)("/bin/sh", ["-c", 'cd "$1" && : > file', "sh", dir], settings);
    return undefined;
  } catch (error) {
    chmodSync(dataDir, mode);
    const text = error instanceof Error ? error.message : String(error);
    return `a try with another user failed (${text.trim().split("\n").at(-1)})`;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

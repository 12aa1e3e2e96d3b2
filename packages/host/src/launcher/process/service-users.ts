import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  chownSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { runTool } from "../../processes/run-tool.ts";

/** Users that belong to services: too high for an account to have them, and beyond those that containers have. */
const FIRST_UID = 0x7f10_0000;
const LAST_UID = 0x7fff_ffff;
/** Hosts with different data folders begin at different ones of these. */
const RANGE = 0x1_0000;
const RANGES = (LAST_UID + 1 - FIRST_UID) / RANGE;
const NOTE = "last service user";

/** A user of the system, whose group has the same number and no other member. */
export interface ServiceUser {
  readonly uid: number;
  readonly gid: number;
}

/** What is remembered beside the owners of the folders. */
export interface HostValues {
  readHostValue(name: string): Promise<string | undefined>;
  writeHostValue(name: string, value: string): Promise<void>;
}

/**
 * Gives each service a user of its own, which is remembered as the owner of its data folder.
 *
 * - S1. No two services ever have the same: a number is written down before it is used, and none is given twice, also
 *   when the service that had it is gone.
 * - S2. A service's user reads its own code, writes its own data, and reaches nothing else of Lever's files.
 */
export class ServiceUsers {
  readonly #hostValues: HostValues;
  /** Data folders by their owners. */
  readonly #folders: Map<number, string>;
  readonly #giving = new Map<string, Promise<ServiceUser>>();
  #last: number;

  private constructor(hostValues: HostValues, folders: Map<number, string>, last: number) {
    this.#hostValues = hostValues;
    this.#folders = folders;
    this.#last = last;
  }

  /** Opens the folders of services to their users, as far as S2 has it. */
  static async open(dataDir: string, hostValues: HostValues): Promise<ServiceUsers> {
    // To be passed through, not to be listed.
    chmodSync(dataDir, (statSync(dataDir).mode & 0o777) | 0o011);
    for (const name of ["code", "services"]) chmodSync(join(dataDir, name), 0o711);
    const folders = new Map<number, string>();
    const services = join(dataDir, "services");
    for (const environment of readdirSync(services)) {
      const dir = join(services, environment);
      chmodSync(dir, 0o711);
      for (const service of readdirSync(dir)) {
        const { uid } = statSync(join(dir, service));
        if (isServiceUser(uid) && !folders.has(uid)) folders.set(uid, join(dir, service));
      }
    }
    const noted = Number((await hostValues.readHostValue(NOTE)) ?? firstUid(dataDir) - 1);
    return new ServiceUsers(hostValues, folders, Math.max(noted, ...folders.keys()));
  }

  /**
   * The user of the service with this data folder, which then owns that, and can read the code.
   * @throws Error when the folders cannot be given to it.
   */
  async admit(dataDir: string, codeDir: string): Promise<ServiceUser> {
    const { uid } = statSync(dataDir);
    const isOwn = isServiceUser(uid) && this.#folders.get(uid) === dataDir;
    const user = isOwn ? { uid, gid: uid } : await this.#giveOnce(dataDir);
    const code = statSync(codeDir);
    if (code.gid !== user.gid || (code.mode & 0o777) !== 0o750) {
      chownSync(codeDir, 0, user.gid);
      chmodSync(codeDir, 0o750);
    }
    return user;
  }

  #giveOnce(dataDir: string): Promise<ServiceUser> {
    const giving =
      this.#giving.get(dataDir) ?? this.#give(dataDir).finally(() => this.#giving.delete(dataDir));
    this.#giving.set(dataDir, giving);
    return giving;
  }

  async #give(dataDir: string): Promise<ServiceUser> {
    const uid = ++this.#last;
    if (uid > LAST_UID) throw new Error("there is no user left for it");
    // S1.
    await this.#hostValues.writeHostValue(NOTE, String(uid));
    chmodSync(dirname(dataDir), 0o711);
    // The folder itself last: it is not taken for given before all in it is.
    const owner = `${uid}:${uid}`;
    if (readdirSync(dataDir).length > 0) {
      await runTool("find", [dataDir, "-mindepth", "1", "-exec", "chown", "-h", owner, "{}", "+"]);
    }
    chownSync(dataDir, uid, uid);
    chmodSync(dataDir, 0o700);
    this.#folders.set(uid, dataDir);
    return { uid, gid: uid };
  }
}

function isServiceUser(uid: number): boolean {
  return uid >= FIRST_UID && uid <= LAST_UID;
}

function firstUid(dataDir: string): number {
  const hash = createHash("sha256").update(realpathSync(dataDir)).digest();
  return FIRST_UID + (hash.readUInt32BE(0) % RANGES) * RANGE;
}

/** Why services cannot have users of their own, as far as it shows without trying; undefined = nothing speaks against it. */
export function usersMissing(dataDir: string): string | undefined {
  if (process.getuid?.() !== 0) return "Lever does not run as root";
  const closed = closedFolder(dirname(dataDir));
  if (closed === undefined) return undefined;
  return `other users cannot pass through ${closed} (chmod o+x, or --data elsewhere, such as /var/lib/lever)`;
}

/** The folder at or above a path that other users cannot pass through; undefined = they can. */
export function closedFolder(path: string): string | undefined {
  for (let dir = path; ; dir = dirname(dir)) {
    const mode = statSync(dir, { throwIfNoEntry: false })?.mode;
    if (mode !== undefined && (mode & 0o001) === 0) return dir;
    if (dir === dirname(dir)) return undefined;
  }
}

/** The same by trying: a folder is given to such a user, which is to reach it and write there. */
export async function tryUsers(dataDir: string): Promise<string | undefined> {
  const missing = usersMissing(realpathSync(dataDir));
  if (missing !== undefined) return missing;
  const uid = firstUid(dataDir);
  const mode = statSync(dataDir).mode & 0o777;
  chmodSync(dataDir, mode | 0o011);
  const dir = mkdtempSync(join(dataDir, "try-"));
  try {
    chownSync(dir, uid, uid);
    const settings = { uid, gid: uid, timeout: 10_000 };
    await promisify(execFile)("/bin/sh", ["-c", 'cd "$1" && : > file', "sh", dir], settings);
    return undefined;
  } catch (error) {
    chmodSync(dataDir, mode);
    const said = error instanceof Error ? error.message : String(error);
    return `a try with another user failed (${said.trim().split("\n").at(-1)})`;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

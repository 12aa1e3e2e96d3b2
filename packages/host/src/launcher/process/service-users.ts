import { createHash } from "node:crypto";
import { chmodSync, chownSync, readdirSync, realpathSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { runTool } from "../../processes/run-tool.ts";
import { serviceFoldersDir } from "../service-data.ts";
import { SingleFlight } from "./single-flight.ts";

/** Users of services. No account has such high numbers, and containers use lower ones. */
const FIRST_UID = 0x7f10_0000;
const LAST_UID = 0x7fff_ffff;
/** Each data folder starts in one of these ranges, so that hosts on the same machine use different users. */
const RANGE = 0x1_0000;
const RANGES = (LAST_UID + 1 - FIRST_UID) / RANGE;
/** Name of the note with the last assigned number. */
const LAST_USER = "last service user";

/** A user of the system. Its group has the same number and no other member. */
export interface ServiceUser {
  readonly uid: number;
  readonly gid: number;
}

/** Values of the host that survive its restart. */
export interface Notes {
  read(name: string): Promise<string | undefined>;
  write(name: string, value: string): Promise<void>;
}

/**
 * Gives each service a user of its own. The owner of the service's data folder records which.
 *
 * - S1. No two services ever have the same user: a number is written down before it is used, and never assigned again,
 *   even after its service has been removed.
 * - S2. A service's user reads its own code, writes its own data, and reaches none of Lever's other files.
 */
export class ServiceUsers {
  readonly #notes: Notes;
  /** Data folders by their owners. */
  readonly #folders: Map<number, string>;
  readonly #assigning = new SingleFlight<ServiceUser>();
  #last: number;

  private constructor(notes: Notes, folders: Map<number, string>, last: number) {
    this.#notes = notes;
    this.#folders = folders;
    this.#last = last;
  }

  /** Lets other users pass through the folders above code and data (S2), and reads which users services have. */
  static async open(dataDir: string, notes: Notes): Promise<ServiceUsers> {
    const services = serviceFoldersDir(dataDir);
    // Other users may enter these folders but not list them.
    chmodSync(dataDir, (statSync(dataDir).mode & 0o777) | 0o011);
    for (const dir of [join(dataDir, "code"), services]) chmodSync(dir, 0o711);
    const folders = new Map<number, string>();
    for (const environment of readdirSync(services)) {
      const dir = join(services, environment);
      chmodSync(dir, 0o711);
      for (const service of readdirSync(dir)) {
        const { uid } = statSync(join(dir, service));
        if (isServiceUser(uid) && !folders.has(uid)) folders.set(uid, join(dir, service));
      }
    }
    const last = Number((await notes.read(LAST_USER)) ?? firstUid(dataDir) - 1);
    return new ServiceUsers(notes, folders, Math.max(last, ...folders.keys()));
  }

  /**
   * The user of the service with this data folder. Makes it the owner of that folder, and lets it read the code.
   * @throws Error when a folder's owner cannot be changed, or no number is left.
   */
  async userFor(dataDir: string, codeDir: string): Promise<ServiceUser> {
    const { uid } = statSync(dataDir);
    const isAssigned = isServiceUser(uid) && this.#folders.get(uid) === dataDir;
    const user = isAssigned
      ? { uid, gid: uid }
      : await this.#assigning.run(dataDir, () => this.#assign(dataDir));
    const code = statSync(codeDir);
    if (code.gid !== user.gid || (code.mode & 0o777) !== 0o750) {
      chownSync(codeDir, 0, user.gid);
      chmodSync(codeDir, 0o750);
    }
    return user;
  }

  async #assign(dataDir: string): Promise<ServiceUser> {
    const uid = ++this.#last;
    if (uid > LAST_UID) throw new Error("there is no user left for it");
    // S1.
    await this.#notes.write(LAST_USER, String(uid));
    chmodSync(dirname(dataDir), 0o711);
    // The folder itself comes last: its owner shows that everything in it has been changed.
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

export function isServiceUser(uid: number): boolean {
  return uid >= FIRST_UID && uid <= LAST_UID;
}

/** The first number that a host with this data folder assigns. */
export function firstUid(dataDir: string): number {
  const hash = createHash("sha256").update(realpathSync(dataDir)).digest();
  return FIRST_UID + (hash.readUInt32BE(0) % RANGES) * RANGE;
}

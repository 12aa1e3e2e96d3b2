import { existsSync, statSync } from "node:fs";
import { mkdir, readdir, rename, rm, rmdir, truncate } from "node:fs/promises";
import { dirname, join } from "node:path";
import { runTool } from "../run-tool.ts";
import { HOST_USER_UID } from "./container-config.ts";

/** The folder, below the host's data, with an image of a disk for each service. */
export const DISKS = "disks";

/** Image sizes are whole blocks of the file system. */
const BLOCK_BYTES = 4_096;
/** Less does not hold a file system of its own. */
const BYTES_MIN = 8 * 1024 * 1024;
/** A service that has stopped may start again soon, and then need not wait for its disk. */
const LINGER_MS = 60_000;
/** Disks that stay mounted for that. */
const UNUSED_MAX = 64;

interface DisksOptions {
  /** Where the images are kept. */
  readonly imagesDir: string;
  /** Where they are mounted while they are used. Whoever removes it unmounts what a crash left there. */
  readonly mountsDir: string;
  readonly bytesMax: number;
}

interface Disk {
  readonly mountPoint: string;
  /** Containers that see it. */
  users: number;
  isMounted: boolean;
  /** What is under way with it, or was last. */
  ready: Promise<void>;
  timer: NodeJS.Timeout | undefined;
}

/**
 * A disk for each service's own data: a file that is a file system (ext4), so that a service which fills its own takes
 * room and inodes from nobody. It is made at the first start, takes only what is written to it, and is mounted while
 * an instance runs, and for a minute longer.
 */
export class ServiceDisks {
  readonly #options: DisksOptions;
  readonly #disks = new Map<string, Disk>();
  #mounts = 0;

  constructor(options: DisksOptions) {
    const bytesMax = Math.max(BYTES_MIN, options.bytesMax - (options.bytesMax % BLOCK_BYTES));
    this.#options = { ...options, bytesMax };
  }

  /**
   * The mounted disk of a service; `close` it as often as it was opened. What the service kept in `plainDir`, when it
   * ran without containers, moves to the disk.
   * @throws Error with what the system said when it cannot be made or mounted.
   */
  async open(environment: string, service: string, plainDir: string): Promise<string> {
    const key = `${environment}/${service}`;
    let disk = this.#disks.get(key);
    if (disk === undefined) {
      const mountPoint = join(this.#options.mountsDir, String(++this.#mounts));
      disk = { mountPoint, users: 0, isMounted: false, ready: Promise.resolve(), timer: undefined };
      this.#disks.set(key, disk);
    }
    if (disk.users++ === 0) {
      const mounted = disk;
      disk.ready = disk.ready
        .catch(() => {})
        .then(async () => {
          if (mounted.isMounted) return;
          const { mountPoint } = mounted;
          await this.#mount(join(this.#options.imagesDir, environment), service, mountPoint);
          mounted.isMounted = true;
          await moveIn(plainDir, mountPoint);
        });
    }
    try {
      await disk.ready;
    } catch (error) {
      this.close(environment, service);
      throw error;
    }
    return disk.mountPoint;
  }

  /** Nobody needs it at the moment: it stays mounted for a while, for the next one. */
  close(environment: string, service: string): void {
    const key = `${environment}/${service}`;
    const disk = this.#disks.get(key);
    if (disk === undefined || --disk.users > 0) return;
    const unused = [...this.#disks].filter(([, { users }]) => users === 0);
    const lingersMs = unused.length > UNUSED_MAX ? 0 : LINGER_MS;
    clearTimeout(disk.timer);
    disk.timer = setTimeout(() => this.#unmount(key, disk), lingersMs);
    disk.timer.unref();
  }

  #unmount(key: string, disk: Disk): void {
    if (disk.users > 0) return;
    const unmount = async (): Promise<void> => {
      await runTool("umount", [disk.mountPoint]);
      disk.isMounted = false;
      await rmdir(disk.mountPoint);
    };
    // Opened again meanwhile, it is mounted again, after this. What cannot be unmounted stays, and is used again: never
    // is one image mounted in two places.
    disk.ready = disk.ready.then(unmount).then(
      () => {
        if (disk.users === 0) this.#disks.delete(key);
      },
      () => {},
    );
  }

  /** Unmounts all that nobody uses, and resolves when that is done. */
  async closeAll(): Promise<void> {
    for (const [key, disk] of this.#disks) {
      clearTimeout(disk.timer);
      this.#unmount(key, disk);
    }
    await Promise.allSettled([...this.#disks.values()].map(({ ready }) => ready));
  }

  async #mount(dir: string, service: string, mountPoint: string): Promise<void> {
    const { bytesMax } = this.#options;
    const image = join(dir, service);
    if (!existsSync(image)) {
      await mkdir(dir, { recursive: true, mode: 0o700 });
      await makeFileSystem(`${image}+new`, bytesMax);
      // A crash before this leaves no disk, rather than half of one. No service has such a name.
      await rename(`${image}+new`, image);
    } else if (statSync(image).size < bytesMax) {
      await truncate(image, bytesMax);
      await runTool("e2fsck", ["-f", "-p", image]);
      await runTool("resize2fs", [image]);
    }
    await mkdir(mountPoint, { recursive: true, mode: 0o711 });
    await runTool("mount", ["-o", "loop,nosuid,nodev,noatime", image, mountPoint]);
  }
}

async function makeFileSystem(file: string, bytes: number): Promise<void> {
  await rm(file, { force: true });
  // Whatever can be written later is; a small journal is enough for one service.
  const extended = `lazy_itable_init=1,lazy_journal_init=1,nodiscard,root_owner=${HOST_USER_UID}:${HOST_USER_UID}`;
  const options = ["-q", "-m", "0", "-J", "size=4", "-E", extended];
  await runTool("mkfs.ext4", [...options, file, `${bytes / 1024}k`]);
}

/** A crash in between does no harm: it is all copied again. */
async function moveIn(plainDir: string, mountPoint: string): Promise<void> {
  const names = await readdir(plainDir).catch(() => []);
  if (names.length === 0) return;
  await runTool("cp", ["-a", `${plainDir}/.`, mountPoint]);
  await runTool("chown", ["-R", "-h", `${HOST_USER_UID}:${HOST_USER_UID}`, mountPoint]);
  for (const name of names) await rm(join(plainDir, name), { recursive: true, force: true });
}

/**
 * Moves what a service has on its disk to `plainDir`, for a host that runs instances without containers.
 * @throws Error when that cannot be: only root mounts.
 */
export async function moveOut(imagesDir: string, service: string, plainDir: string): Promise<void> {
  const image = join(imagesDir, service);
  if (!existsSync(image)) return;
  if (process.getuid?.() !== 0) {
    throw new Error("its data is on a disk for containers, which only root can open");
  }
  const mountPoint = `${image}+mounted`;
  const copy = join(dirname(plainDir), `+${service}`);
  await mkdir(mountPoint, { recursive: true });
  await runTool("mount", ["-o", "loop,nosuid,nodev,noatime", image, mountPoint]);
  try {
    await rm(copy, { recursive: true, force: true });
    await mkdir(copy);
    await runTool("cp", ["-a", `${mountPoint}/.`, copy]);
    await rm(join(copy, "lost+found"), { recursive: true, force: true });
  } finally {
    await runTool("umount", [mountPoint]);
    await rmdir(mountPoint);
  }
  // A crash before this changes nothing, and one after it leaves two that are the same.
  await rm(plainDir, { recursive: true, force: true });
  await rename(copy, plainDir);
  await rm(image);
}

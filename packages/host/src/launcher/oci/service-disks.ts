import { existsSync, statSync } from "node:fs";
import { mkdir, rename, rm, rmdir, truncate } from "node:fs/promises";
import { join } from "node:path";
import { runTool } from "../../processes/run-tool.ts";
import { mountDisk, moveFolderToDisk } from "../service-data.ts";
import { HOST_USER_UID } from "./container-config.ts";
import { SharedMounts } from "./shared-mounts.ts";

/** Image sizes are whole blocks of the file system. */
const BLOCK_BYTES = 4_096;
/** Less does not hold a file system of its own. */
const BYTES_MIN = 8 * 1024 * 1024;

interface DisksOptions {
  /** Where the images are kept. */
  readonly imagesDir: string;
  /** Where they are mounted while they are used. Whoever removes it unmounts what a crash left there. */
  readonly mountsDir: string;
  readonly bytesMax: number;
}

/**
 * A disk for each service's own data: a file that is a file system (ext4), so that a service which fills its own takes
 * room and inodes from nobody. It is made at the first start, takes only what is written to it, and is mounted while
 * an instance runs. Never is one image mounted in two places.
 */
export class ServiceDisks {
  readonly #options: DisksOptions;
  readonly #mounts = new SharedMounts();
  readonly #mountPoints = new Map<string, string>();
  #made = 0;

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
    const { imagesDir, mountsDir } = this.#options;
    const mountPoint = this.#mountPoints.get(key) ?? join(mountsDir, String(++this.#made));
    this.#mountPoints.set(key, mountPoint);
    await this.#mounts.open(key, {
      make: async () => {
        await this.#mount(join(imagesDir, environment), service, mountPoint);
        await moveFolderToDisk(plainDir, mountPoint, HOST_USER_UID);
      },
      unmake: async () => {
        await runTool("umount", [mountPoint]);
        await rmdir(mountPoint);
        this.#mountPoints.delete(key);
      },
    });
    return mountPoint;
  }

  close(environment: string, service: string): void {
    this.#mounts.close(`${environment}/${service}`);
  }

  closeAll(): Promise<void> {
    return this.#mounts.closeAll();
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
    await mountDisk(image, mountPoint);
  }
}

async function makeFileSystem(file: string, bytes: number): Promise<void> {
  await rm(file, { force: true });
  // Whatever can be written later is; a small journal is enough for one service.
  const extended = `lazy_itable_init=1,lazy_journal_init=1,nodiscard,root_owner=${HOST_USER_UID}:${HOST_USER_UID}`;
  const options = ["-q", "-m", "0", "-J", "size=4", "-E", extended];
  await runTool("mkfs.ext4", [...options, file, `${bytes / 1024}k`]);
}

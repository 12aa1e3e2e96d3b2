import { existsSync, statSync } from "node:fs";
import { mkdir, rename, rm, rmdir, truncate } from "node:fs/promises";
import { join } from "node:path";
import { serviceKey } from "@leveros/protocol";
import type { Clock } from "../../clock.ts";
import { runTool } from "../../processes/run-tool.ts";
import { mountDisk, moveFolderToDisk } from "../service-data.ts";
import { HOST_USER_UID } from "./container-config.ts";
import { MountCache } from "./mount-cache.ts";

/** The size of an image is a multiple of the file system's block size. */
const BLOCK_BYTES = 4_096;
/** A smaller image is too small for a file system. */
const BYTES_MIN = 8 * 1024 * 1024;

interface DisksOptions {
  /** Folder of the images. */
  readonly imagesDir: string;
  /** Folder of their mount points. Removing it also unmounts what a crash left there (`removeSandboxRoot`). */
  readonly mountsDir: string;
  readonly bytesMax: number;
  readonly clock: Clock;
}

/**
 * A disk for each service's own data: an ext4 file system in a sparse file. A service that fills its disk takes no space
 * and no inodes from others. Lever creates it at the first start of an instance and mounts it while one runs. An image
 * is never mounted twice at a time.
 */
export class ServiceDisks {
  readonly #options: DisksOptions;
  readonly #mounts: MountCache;
  readonly #mountPoints = new Map<string, string>();
  #lastNumber = 0;

  constructor(options: DisksOptions) {
    const bytesMax = Math.max(BYTES_MIN, options.bytesMax - (options.bytesMax % BLOCK_BYTES));
    this.#options = { ...options, bytesMax };
    this.#mounts = new MountCache(options.clock);
  }

  /**
   * Resolves to the mount point of a service's disk. Call `release` once for each `acquire`. Files in `folder`, from when
   * the service ran as a process, move to the disk.
   * @throws Error with the output of the tool that failed.
   */
  async acquire(environment: string, service: string, folder: string): Promise<string> {
    const key = serviceKey(environment, service);
    const { imagesDir, mountsDir } = this.#options;
    const mountPoint = this.#mountPoints.get(key) ?? join(mountsDir, String(++this.#lastNumber));
    this.#mountPoints.set(key, mountPoint);
    await this.#mounts.acquire(key, {
      mount: async () => {
        await this.#mount(join(imagesDir, environment), service, mountPoint);
        await moveFolderToDisk(folder, mountPoint, HOST_USER_UID);
      },
      unmount: async () => {
        await runTool("umount", [mountPoint]);
        await rmdir(mountPoint);
        this.#mountPoints.delete(key);
      },
    });
    return mountPoint;
  }

  release(environment: string, service: string): void {
    this.#mounts.release(serviceKey(environment, service));
  }

  /** These disks are about to be removed: those of services whose `serviceKey` fits. */
  async forget(isGone: (key: string) => boolean): Promise<void> {
    await this.#mounts.forget(isGone);
  }

  unmountUnused(): Promise<void> {
    return this.#mounts.unmountUnused();
  }

  async #mount(dir: string, service: string, mountPoint: string): Promise<void> {
    const { bytesMax } = this.#options;
    const image = join(dir, service);
    if (!existsSync(image)) {
      await mkdir(dir, { recursive: true, mode: 0o700 });
      // After a crash there is no image, or a complete one. No service has a name with "+".
      await makeFileSystem(`${image}+new`, bytesMax);
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
  // Tables are written when they are first used. A journal of 4 MB is enough for one service.
  const extended = `lazy_itable_init=1,lazy_journal_init=1,nodiscard,root_owner=${HOST_USER_UID}:${HOST_USER_UID}`;
  const options = ["-q", "-m", "0", "-J", "size=4", "-E", extended];
  await runTool("mkfs.ext4", [...options, file, `${bytes / 1024}k`]);
}

import { chmodSync, chownSync, statSync } from "node:fs";
import { mkdir, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { serviceKey } from "@leveros/protocol";
import type { Clock } from "../../clock.ts";
import { runTool } from "../../processes/run-tool.ts";
import type { ServiceFolders } from "../launcher.ts";
import { MountCache } from "./mount-cache.ts";
import type { ServiceDisks } from "./service-disks.ts";

/** So many services keep their mounts while they have no instance. Each costs a loop device and memory of the kernel. */
const PREPARED_MAX = 64;

/** A folder of the host with `code` and `data` of one version of a service. */
export interface ServiceMount {
  readonly key: string;
  readonly dir: string;
}

interface ServiceMountsOptions {
  readonly disks: ServiceDisks;
  /** Folder of these folders. */
  readonly mountsDir: string;
  readonly clock: Clock;
}

/**
 * For each running version of a service, a folder with two mounts: `code`, read-only, and `data`, the service's disk. A
 * cold call waits for one mount only: the recursive bind of this folder into its container.
 */
export class ServiceMounts {
  readonly #options: ServiceMountsOptions;
  readonly #mounts: MountCache;
  readonly #dirs = new Map<string, string>();
  /** The mounts that wait for calls, by service. The one that was prepared last comes last. */
  readonly #prepared = new Map<string, ServiceMount>();
  #lastNumber = 0;

  constructor(options: ServiceMountsOptions) {
    this.#options = options;
    this.#mounts = new MountCache(options.clock);
  }

  /**
   * Resolves when both are mounted. Call `release` once for each `acquire`.
   * @throws Error with the output of the tool that failed.
   */
  async acquire({ environment, service, codeDir, dataDir }: ServiceFolders): Promise<ServiceMount> {
    const { disks, mountsDir } = this.#options;
    // A mount keeps a folder that was removed. One that is made again in its place is another.
    const { ino } = statSync(codeDir);
    const key = `${serviceKey(environment, service)}/${codeDir}/${ino}`;
    const dir = this.#dirs.get(key) ?? join(mountsDir, String(++this.#lastNumber));
    this.#dirs.set(key, dir);
    const [code, data] = [join(dir, "code"), join(dir, "data")];
    await this.#mounts.acquire(key, {
      mount: async () => {
        for (const path of [code, data]) await mkdir(path, { recursive: true, mode: 0o755 });
        makeReadable(codeDir);
        const disk = await disks.acquire(environment, service, dataDir);
        try {
          await Promise.all([
            runTool("mount", ["-o", "bind,ro,nosuid,nodev", codeDir, code]),
            runTool("mount", ["-o", "bind,nosuid,nodev", disk, data]),
          ]);
        } catch (error) {
          disks.release(environment, service);
          throw error;
        }
      },
      unmount: async () => {
        await runTool("umount", ["--lazy", code, data]);
        for (const path of [code, data, dir]) await rmdir(path);
        this.#dirs.delete(key);
        disks.release(environment, service);
      },
    });
    return { key, dir };
  }

  release({ key }: ServiceMount): void {
    this.#mounts.release(key);
  }

  /**
   * Mounts both and keeps them mounted, so that the first call of the service does not wait for that. Replaces those of an
   * earlier version. With more services than it keeps, the one that was prepared first goes.
   * @throws as `acquire`.
   */
  async prepare(access: ServiceFolders): Promise<void> {
    const mount = await this.acquire(access);
    const service = serviceKey(access.environment, access.service);
    this.#unprepare(service);
    this.#prepared.set(service, mount);
    const [oldest] = this.#prepared.keys();
    if (this.#prepared.size > PREPARED_MAX && oldest !== undefined) this.#unprepare(oldest);
  }

  /** The environment, or a service of it, is removed with its data. Resolves when nothing of it is mounted. */
  async forget(environment: string, service?: string): Promise<void> {
    const gone = service === undefined ? environment : serviceKey(environment, service);
    const isGone = (key: string): boolean => `${key}/`.startsWith(`${gone}/`);
    for (const service of [...this.#prepared.keys()].filter(isGone)) this.#unprepare(service);
    await this.#mounts.forget(isGone);
    await this.#options.disks.forget(isGone);
  }

  /** Unmounts everything that no container uses. */
  async close(): Promise<void> {
    for (const service of [...this.#prepared.keys()]) this.#unprepare(service);
    await this.#mounts.unmountUnused();
  }

  #unprepare(service: string): void {
    const mount = this.#prepared.get(service);
    if (mount === undefined) return;
    this.#prepared.delete(service);
    this.release(mount);
  }
}

/** Code belongs to root and is readable for the container's user. While the service ran as a process, its own group owned it. */
function makeReadable(codeDir: string): void {
  const { gid, mode } = statSync(codeDir);
  if (gid === 0 && (mode & 0o777) === 0o755) return;
  chownSync(codeDir, 0, 0);
  chmodSync(codeDir, 0o755);
}

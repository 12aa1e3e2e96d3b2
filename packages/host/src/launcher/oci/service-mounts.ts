import { chmodSync, chownSync, statSync } from "node:fs";
import { mkdir, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { runTool } from "../../processes/run-tool.ts";
import type { InstanceAccess } from "../launcher.ts";
import type { ServiceDisks } from "./service-disks.ts";
import { SharedMounts } from "./shared-mounts.ts";

/** A folder with all that the instances of one version see of their service, for one container after the other. */
export interface ServiceMount {
  readonly key: string;
  readonly dir: string;
}

/**
 * The rooms of services: a folder with `code`, read-only, and `data`, on the service's disk. A container gets to see a whole
 * room by one mount, which is all that a cold call waits for.
 */
export class ServiceMounts {
  readonly #disks: ServiceDisks;
  readonly #mountsDir: string;
  readonly #mounts = new SharedMounts();
  readonly #dirs = new Map<string, string>();
  #made = 0;

  constructor(disks: ServiceDisks, roomsDir: string) {
    this.#disks = disks;
    this.#mountsDir = roomsDir;
  }

  /** @throws Error with what the system said when it cannot be made. */
  async open({ environment, service, codeDir, dataDir }: InstanceAccess): Promise<ServiceMount> {
    const key = `${environment}/${service}/${codeDir}`;
    const dir = this.#dirs.get(key) ?? join(this.#mountsDir, String(++this.#made));
    this.#dirs.set(key, dir);
    const [code, data] = [join(dir, "code"), join(dir, "data")];
    await this.#mounts.open(key, {
      make: async () => {
        for (const path of [code, data]) await mkdir(path, { recursive: true, mode: 0o755 });
        openCode(codeDir);
        const disk = await this.#disks.open(environment, service, dataDir);
        try {
          // No setuid bit counts anywhere.
          await Promise.all([
            runTool("mount", ["-o", "bind,ro,nosuid,nodev", codeDir, code]),
            runTool("mount", ["-o", "bind,nosuid,nodev", disk, data]),
          ]);
        } catch (error) {
          this.#disks.close(environment, service);
          throw error;
        }
      },
      unmake: async () => {
        await runTool("umount", ["--lazy", code, data]);
        for (const path of [code, data, dir]) await rmdir(path);
        this.#dirs.delete(key);
        this.#disks.close(environment, service);
      },
    });
    return { key, dir };
  }

  close({ key }: ServiceMount): void {
    this.#mounts.close(key);
  }

  closeAll(): Promise<void> {
    return this.#mounts.closeAll();
  }
}

/** Code is root's and readable to all: as processes, services have users and groups of their own. */
function openCode(codeDir: string): void {
  const { gid, mode } = statSync(codeDir);
  if (gid === 0 && (mode & 0o777) === 0o755) return;
  chownSync(codeDir, 0, 0);
  chmodSync(codeDir, 0o755);
}

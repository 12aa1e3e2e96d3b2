/**
 * A service's own data has one of two forms, by how its instances run: a folder (`services/<environment>/<service>`) for
 * processes, a disk image (`disks/<environment>/<service>`, an ext4 file system in a file) for containers. It moves from
 * one form to the other when the service's first instance of the other kind starts.
 */
import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm, rmdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { runTool } from "../processes/run-tool.ts";

/** The folder below the host's data that holds one folder for each environment, with a folder for each service. */
export const serviceFoldersDir = (dataDir: string): string => join(dataDir, "services");

/** The folder below the host's data that holds one folder for each environment, with a disk image for each service. */
export const serviceDisksDir = (dataDir: string): string => join(dataDir, "disks");

/** Opens the data of services for reading, in the form that instances have it in. */
export interface DataReader {
  /**
   * The folder with a service's data until `release`; undefined = it has none. The service may change it meanwhile.
   * @throws Error when a tool of the system fails.
   */
  openServiceData(
    environment: string,
    service: string,
  ): Promise<{ readonly dir: string; release(): void } | undefined>;
}

/** Removes the data of all services of an environment, or of one of them, in both forms. */
export async function removeServiceData(
  dataDir: string,
  environment: string,
  service = "",
): Promise<void> {
  for (const dir of [serviceFoldersDir(dataDir), serviceDisksDir(dataDir)]) {
    await rm(join(dir, environment, service), { recursive: true, force: true });
  }
}

/** Mounts a disk image. Each image may be mounted only once at a time. Only root may mount. */
export async function mountDisk(image: string, mountPoint: string): Promise<void> {
  await mkdir(mountPoint, { recursive: true, mode: 0o711 });
  await runTool("mount", ["-o", "loop,nosuid,nodev,noatime", image, mountPoint]);
}

/**
 * Moves what a service has in its folder to its mounted disk, whose user `uid` then owns it. After a crash in between,
 * the next call copies everything again.
 */
export async function moveFolderToDisk(
  folder: string,
  mountPoint: string,
  uid: number,
): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  if (names.length === 0) return;
  await runTool("cp", ["-a", `${folder}/.`, mountPoint]);
  await runTool("chown", ["-R", "-h", `${uid}:${uid}`, mountPoint]);
  // A crash of the machine must not lose both the copy and what it was made of.
  await runTool("sync", ["--file-system", mountPoint]);
  for (const name of names) await rm(join(folder, name), { recursive: true, force: true });
}

/**
 * Moves what a service has on its disk to its folder, and removes the disk. Does nothing without a disk.
 * @throws Error when Lever does not run as root, or a tool of the system fails.
 */
export async function moveDiskToFolder(image: string, folder: string): Promise<void> {
  if (!existsSync(image)) return;
  if (process.getuid?.() !== 0) {
    throw new Error("its data is on a disk for containers, which only root can open");
  }
  // No service has a name with "+".
  const mountPoint = `${image}+mounted`;
  const copy = join(dirname(folder), `+${basename(folder)}`);
  await mountDisk(image, mountPoint);
  try {
    await rm(copy, { recursive: true, force: true });
    await mkdir(copy);
    await runTool("cp", ["-a", `${mountPoint}/.`, copy]);
    await rm(join(copy, "lost+found"), { recursive: true, force: true });
  } finally {
    await runTool("umount", [mountPoint]);
    await rmdir(mountPoint);
  }
  await runTool("sync", ["--file-system", copy]);
  // A crash before this line changes nothing; a crash after it leaves the same data in both forms.
  await rm(folder, { recursive: true, force: true });
  await rename(copy, folder);
  await runTool("sync", ["--file-system", folder]);
  await rm(image);
}

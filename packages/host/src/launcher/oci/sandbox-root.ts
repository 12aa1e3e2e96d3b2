import { existsSync, lstatSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { chmod, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runTool } from "../../processes/run-tool.ts";
import { compilerFiles, copyProgram, programArgs } from "../instance-program.ts";
import { nodeFlags } from "../node-flags.ts";
import { CONTAINER_UID, SANDBOX } from "./container-config.ts";
import { readNameservers } from "./nameservers.ts";
import { visiblePaths } from "./sandbox.ts";

/** The folders of a host's containers. They are on a tmpfs, so that a restart of the machine removes them. */
export interface SandboxRoot {
  /** The root of every container, read-only. */
  readonly rootfs: string;
  /** One folder for each container. The container sees the mounts that the host adds to it. */
  readonly sandboxes: string;
  /** One folder for each running version of a service, with mounts of its code and data. */
  readonly services: string;
  /** One folder for each container, with its configuration. */
  readonly bundles: string;
  /** Mount points of the services' disks. */
  readonly disks: string;
  /** State of the container runtime. */
  readonly state: string;
  /** State of the network plugins. */
  readonly networks: string;
  /** The program of an instance and its arguments, as a container sees it. */
  command(ram: number): readonly string[];
}

/** Size of the tmpfs, which holds configurations, state and the runtime's code. */
const SIZE_MB = 256;
/** Top-level folders of the machine that containers see, read-only. */
const TOP_LEVEL = ["bin", "sbin", "lib", "lib32", "lib64"];
/** Not all of `/etc/ssl`: the machine's private keys may be in it. */
const ETC_FOLDERS = ["/etc/ssl/certs", "/etc/alternatives"];
const ETC_FILES = ["/etc/ld.so.cache", "/etc/localtime", "/etc/mime.types", "/etc/ssl/openssl.cnf"];
/** Index of the field with the mount point (proc_pid_mountinfo(5)). */
const MOUNT_POINT = 4;
const NODE = "/lever/node";
/** Folder in which services find that Node as `node`. */
export const NODE_PATH = "/lever/bin";
const PROGRAM = "/lever/program";

/** The folders of the host whose containers are below `dir`. */
export function sandboxFolders(dir: string): Omit<SandboxRoot, "command"> {
  return {
    rootfs: join(dir, "rootfs"),
    sandboxes: join(dir, "sandboxes"),
    services: join(dir, "services"),
    bundles: join(dir, "bundles"),
    disks: join(dir, "disks"),
    state: join(dir, "state"),
    networks: join(dir, "networks"),
  };
}

/**
 * Creates the folders, and in `rootfs` the root that all containers of this host share: the machine's `/usr`, a small
 * `/etc`, Node and the runtime. `dir` must not exist or be empty (`removeSandboxRoot`).
 */
export async function makeSandboxRoot(dir: string): Promise<SandboxRoot> {
  await mkdir(dir, { recursive: true, mode: 0o711 });
  await runTool("mount", [
    "-t",
    "tmpfs",
    "-o",
    `mode=711,size=${SIZE_MB}m,nosuid,nodev`,
    "lever",
    dir,
  ]);
  await runTool("mount", ["--make-shared", dir]);
  const folders = sandboxFolders(dir);
  const { rootfs, sandboxes, services, bundles, disks, state, networks } = folders;
  // Private, so that unmounting a service's folder in one sandbox does not unmount it here.
  await mkdir(services, { mode: 0o711 });
  await runTool("mount", ["--bind", "--make-private", services, services]);
  await mkdir(rootfs, { mode: 0o755 });
  for (const path of [sandboxes, disks]) await mkdir(path, { mode: 0o711 });
  for (const path of [bundles, state, networks]) await mkdir(path, { mode: 0o700 });
  for (const name of ["proc", "dev", "tmp", "usr", "etc", SANDBOX]) {
    await mkdir(join(rootfs, name), { recursive: true, mode: 0o755 });
  }
  // The container runtime gives the tmpfs that it mounts there this mode, whatever its options are.
  await chmod(join(rootfs, "tmp"), 0o1777);
  await bindReadOnly("/usr", join(rootfs, "usr"));
  for (const name of TOP_LEVEL) await addTopLevel(name, rootfs);
  await makeEtc(join(rootfs, "etc"));
  await writeFile(join(rootfs, NODE), "");
  await bindReadOnly(process.execPath, join(rootfs, NODE));
  await mkdir(join(rootfs, NODE_PATH), { mode: 0o755 });
  await symlink(NODE, join(rootfs, NODE_PATH, "node"));
  copyProgram(join(rootfs, PROGRAM));
  // Not a copy: it would take memory.
  const compiler = compilerFiles(join(rootfs, PROGRAM));
  await writeFile(compiler.to, "");
  await bindReadOnly(compiler.from, compiler.to);
  return { ...folders, command: (ram) => [NODE, ...nodeFlags(ram), ...programArgs(PROGRAM)] };
}

/** Unmounts the tmpfs of `makeSandboxRoot` and every mount below, and removes the folder. */
export async function removeSandboxRoot(dir: string): Promise<void> {
  const points = mountPointsBelow(dir, readFileSync("/proc/self/mountinfo", "utf8"));
  if (points.length > 0) await runTool("umount", ["--lazy", ...points]);
  rmSync(dir, { recursive: true, force: true });
}

/** The mount points at and below a folder, the latest mount first: it may cover an earlier one. */
export function mountPointsBelow(dir: string, mountinfo: string): string[] {
  return mountinfo
    .split("\n")
    .map((line) => line.split(" ")[MOUNT_POINT] ?? "")
    .filter((point) => point === dir || point.startsWith(`${dir}/`))
    .reverse();
}

async function bindReadOnly(from: string, to: string): Promise<void> {
  await runTool("mount", ["-o", "bind,ro,nosuid,nodev", from, to]);
}

/** On most systems `/bin` and the others are links into `/usr`; elsewhere they are folders. */
async function addTopLevel(name: string, rootfs: string): Promise<void> {
  const path = join("/", name);
  if (!existsSync(path)) return;
  if (lstatSync(path).isSymbolicLink()) {
    await symlink(readlinkSync(path), join(rootfs, name));
    return;
  }
  await mkdir(join(rootfs, name));
  await bindReadOnly(path, join(rootfs, name));
}

async function makeEtc(etc: string): Promise<void> {
  const files = {
    passwd: `root:x:0:0:root:/:/usr/sbin/nologin\nlever:x:${CONTAINER_UID}:${CONTAINER_UID}::${visiblePaths(SANDBOX).dataDir}:/bin/sh\n`,
    group: `root:x:0:\nlever:x:${CONTAINER_UID}:\n`,
    hosts: "127.0.0.1 localhost lever\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    "resolv.conf": readNameservers()
      .map((address) => `nameserver ${address}\n`)
      .join(""),
  };
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(etc, name), content, { mode: 0o644 });
  }
  await mkdir(join(etc, "ssl"));
  for (const path of ETC_FILES) {
    if (existsSync(path)) await writeFile(join(etc, path.slice(5)), await readFile(path));
  }
  for (const path of ETC_FOLDERS) {
    if (!existsSync(path)) continue;
    await mkdir(join(etc, path.slice(5)));
    await bindReadOnly(path, join(etc, path.slice(5)));
  }
}

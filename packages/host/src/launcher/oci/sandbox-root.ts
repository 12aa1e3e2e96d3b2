import { existsSync, lstatSync, readFileSync, readlinkSync } from "node:fs";
import { chmod, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runTool } from "../../processes/run-tool.ts";
import { copyProgram, programIn } from "../instance-program.ts";
import { nodeFlags } from "../node-flags.ts";
import { CONTAINER_UID } from "./container-config.ts";

/** Where containers live: on a file system in memory, so that nothing of it outlives the machine. */
export interface SandboxRoot {
  /** The root of every container, read-only. */
  readonly rootfs: string;
  /** One folder for each container, whose mounts it gets to see. */
  readonly sandboxDirs: string;
  /** One folder for each version of a service that runs. */
  readonly rooms: string;
  /** One folder for each container, with its configuration. */
  readonly bundles: string;
  /** What the container runtime and the network plugins remember. */
  readonly state: string;
  readonly networks: string;
  /** The program of an instance, as a container sees it. */
  command(ram: number): readonly string[];
}

/** Megabytes of configuration, state and the runtime's own code. */
const SIZE_MB = 256;
/** Of the machine's own: read, never written. */
const TOP_LEVEL = ["bin", "sbin", "lib", "lib32", "lib64"];
/** Not all of `/etc/ssl`, where the machine's own keys may lie. */
const ETC_FOLDERS = ["/etc/ssl/certs", "/etc/alternatives"];
const ETC_FILES = ["/etc/ld.so.cache", "/etc/localtime", "/etc/mime.types", "/etc/ssl/openssl.cnf"];
const NODE = "/lever/node";
const PROGRAM = "/lever/program";

/**
 * Makes the root that all containers of this host share: the machine's `/usr`, a small `/etc`, Node and the runtime.
 * `dir` must not be in use; what an earlier host left there is taken away by `removeSandboxRoot`.
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
  // What is unmounted of a room in a container's box must stay in the room.
  const rooms = join(dir, "rooms");
  await mkdir(rooms, { mode: 0o711 });
  await runTool("mount", ["--bind", "--make-private", rooms, rooms]);
  const root: SandboxRoot = {
    rootfs: join(dir, "rootfs"),
    sandboxDirs: join(dir, "boxes"),
    bundles: join(dir, "bundles"),
    state: join(dir, "state"),
    rooms,
    networks: join(dir, "networks"),
    command: (ram) => [NODE, ...nodeFlags(ram), programIn(PROGRAM)],
  };
  const { rootfs, sandboxDirs: boxes, bundles, state, networks } = root;
  await mkdir(rootfs, { mode: 0o755 });
  await mkdir(boxes, { mode: 0o711 });
  for (const path of [bundles, state, networks]) await mkdir(path, { mode: 0o700 });
  for (const name of ["proc", "dev", "tmp", "usr", "etc", "lever/box"]) {
    await mkdir(join(rootfs, name), { recursive: true, mode: 0o755 });
  }
  // The container runtime gives what it mounts there the same mode, whatever its options say.
  await chmod(join(rootfs, "tmp"), 0o1777);
  await bindReadOnly("/usr", join(rootfs, "usr"));
  for (const name of TOP_LEVEL) await takeTopLevel(name, rootfs);
  await makeEtc(join(rootfs, "etc"));
  await writeFile(join(rootfs, NODE), "");
  await bindReadOnly(process.execPath, join(rootfs, NODE));
  copyProgram(join(rootfs, PROGRAM));
  return root;
}

/** Unmounts whatever is at and below a folder of `makeSandboxRoot`. The mounts are all that it is made of. */
export async function removeSandboxRoot(dir: string): Promise<void> {
  // Fields 5 = mount point (proc_pid_mountinfo(5)); later mounts lie on earlier ones.
  const points = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .filter((point) => point === dir || point.startsWith(`${dir}/`))
    .reverse();
  if (points.length > 0) await runTool("umount", ["--lazy", ...points]);
}

async function bindReadOnly(from: string, to: string): Promise<void> {
  await runTool("mount", ["-o", "bind,ro,nosuid,nodev", from, to]);
}

/** `/bin` and the like are links into `/usr` on most systems; where they are folders they are shown as such. */
async function takeTopLevel(name: string, rootfs: string): Promise<void> {
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
    passwd: `root:x:0:0:root:/:/usr/sbin/nologin\nlever:x:${CONTAINER_UID}:${CONTAINER_UID}::/:/bin/sh\n`,
    group: `root:x:0:\nlever:x:${CONTAINER_UID}:\n`,
    hosts: "127.0.0.1 localhost lever\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    "resolv.conf": nameservers()
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

/** The machine's name servers (resolv.conf(5)); one on the loopback, as systemd has it, stands for those behind it. */
export function nameservers(): string[] {
  for (const file of ["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"]) {
    if (!existsSync(file)) continue;
    const text = readFileSync(file, "utf8");
    const found = [...text.matchAll(/^nameserver\s+(\d+\.\d+\.\d+\.\d+)\s*$/gm)].map(
      ([, it]) => it ?? "",
    );
    const usable = found.filter((address) => !address.startsWith("127."));
    if (usable.length > 0) return usable;
  }
  return [];
}

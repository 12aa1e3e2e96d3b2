import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  type Dirent,
  existsSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
} from "node:fs";
import { join } from "node:path";

const CGROUPS = "/sys/fs/cgroup";

/** The part of every name that a host with this data folder gives to things of its containers. */
const idOf = (dataDir: string): string =>
  createHash("sha256")
    .update(existsSync(dataDir) ? realpathSync(dataDir) : dataDir)
    .digest("hex")
    .slice(0, 10);

/**
 * Whatever on this machine belongs to the containers of the host with this data folder: mounts, control groups, rules,
 * processes, folders, disks, and of its network links and addresses those in the range that it claimed.
 */
export function containerTraces(dataDir: string, subnet = subnetOf(dataDir)): string[] {
  const id = idOf(dataDir);
  const having = (text: string, what = id): string[] =>
    text.split("\n").filter((line) => line.includes(what));
  const run = (file: string, ...args: string[]): string =>
    execFileSync(file, args, { encoding: "utf8" });
  return [
    ...having(readFileSync("/proc/self/mountinfo", "utf8")),
    ...cgroupsOf(id),
    ...having(run("/usr/sbin/nft", "list", "tables")),
    ...having(run("ps", "-eo", "args")),
    ...having(run("/sbin/losetup", "-ln", "-O", "BACK-FILE"), dataDir),
    ...(subnet === undefined ? [] : routesIn(subnet)),
    ...filesIn(join("/run/lever", id)),
  ];
}

/** The range of addresses that a running host has. */
export function subnetOf(dataDir: string): string | undefined {
  const file = `/run/lever/${idOf(dataDir)}/networks/subnet`;
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}

function routesIn(subnet: string): string[] {
  const routes = execFileSync("/sbin/ip", ["-4", "route", "show", "root", subnet], {
    encoding: "utf8",
  });
  return routes.split("\n").filter((line) => line !== "");
}

function cgroupsOf(id: string): string[] {
  const found: string[] = [];
  const look = (dir: string): void => {
    found.push(dir);
    for (const entry of entriesOf(dir)) if (entry.isDirectory()) look(join(dir, entry.name));
  };
  const trees = readdirSync(CGROUPS).map((name) => join(CGROUPS, name));
  for (const tree of [CGROUPS, ...trees]) {
    const dir = join(tree, `lever-${id}`);
    if (existsSync(dir) && statSync(dir).isDirectory()) look(dir);
  }
  return found;
}

/** None of one that goes away meanwhile. */
function entriesOf(dir: string): Dirent[] {
  try {
    return readdirSync(dir, { withFileTypes: true });
  } catch {
    return [];
  }
}

/** Files and folders of single containers, without those that all of them share. */
function filesIn(dir: string): string[] {
  if (!existsSync(dir)) return [];
  const folders = ["sandboxes", "bundles", "state", "disks", "services", ...networkFolders(dir)];
  return [
    dir,
    ...folders.flatMap((name) =>
      existsSync(join(dir, name))
        ? readdirSync(join(dir, name)).map((file) => join(dir, name, file))
        : [],
    ),
  ];
}

function networkFolders(dir: string): string[] {
  const networks = join(dir, "networks");
  if (!existsSync(networks)) return [];
  return readdirSync(networks, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join("networks", entry.name));
}

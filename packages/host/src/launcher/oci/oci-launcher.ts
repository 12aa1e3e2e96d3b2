/** Instances in containers. This file is the only one of launcher/oci that other folders import. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import type { Limits } from "@leveros/protocol";
import type { Clock } from "../../clock.ts";
import type { Log } from "../../logs/log.ts";
import { DEFAULT_RAM_MB, type Launcher, type LaunchOptions } from "../launcher.ts";
import { type DataReader, serviceDisksDir, serviceFoldersDir } from "../service-data.ts";
import { removeCgroups } from "./cgroups.ts";
import { Container, type ContainerDeps } from "./container.ts";
import { ContainerNetwork, removeRules } from "./container-network.ts";
import { claimHost, findGoneHosts, HOSTS_DIR, releaseHost, withHostsLock } from "./host-claims.ts";
import { makeSandboxRoot, removeSandboxRoot, sandboxFolders } from "./sandbox-root.ts";
import { ServiceDisks } from "./service-disks.ts";
import { ServiceMounts } from "./service-mounts.ts";
import { releaseSubnet } from "./subnet.ts";

export { type ContainerSupport, findContainerSupport } from "./container-support.ts";
export { findGoneHosts } from "./host-claims.ts";

/** How much of a container's output an error of `probe` quotes. */
const PROBE_OUTPUT_CHARS_MAX = 500;

export interface OciOptions {
  /** The host's data folder. Hosts with different ones may run side by side. */
  readonly dataDir: string;
  readonly limits: Limits;
  /** Path of the container runtime. */
  readonly runtime: string;
  /** Folder of the CNI plugins. */
  readonly plugins: string;
  readonly clock: Clock;
  readonly log: Log;
}

export interface OciLauncher extends Launcher, DataReader {
  /**
   * Starts a container and ends it when it is prepared.
   * @throws Error with its output when it does not start, or the host cannot prepare it.
   */
  probe(): Promise<void>;
  /** Removes everything that the containers share. It waits for all of them to exit, but ends none. */
  close(): Promise<void>;
}

/** Names of everything that a host's containers create on the machine. They contain a hash of its data folder's path. */
interface HostNames {
  readonly hostId: string;
  readonly dir: string;
  readonly cgroups: string;
}

function hostIdOf(dataDir: string): string {
  return createHash("sha256").update(realpathSync(dataDir)).digest("hex").slice(0, 10);
}

function hostNames(hostId: string): HostNames {
  return { hostId, dir: join(HOSTS_DIR, hostId), cgroups: `/lever-${hostId}` };
}

/**
 * Opens the containers of this host. First it removes what an earlier host with the same data folder left after a crash.
 * @throws Error with the output of the tool that failed.
 */
export async function openOciLauncher(options: OciOptions): Promise<OciLauncher> {
  const { dataDir, plugins, clock, limits, log } = options;
  const names = hostNames(hostIdOf(dataDir));
  const { hostId, dir, cgroups } = names;
  await withHostsLock(async () => claimHost(hostId));
  await removeShared(names, clock);
  const root = await makeSandboxRoot(dir);
  const network = await ContainerNetwork.open({
    hostId,
    plugins,
    stateDir: root.networks,
    clock,
    log,
  });
  const disks = new ServiceDisks({
    imagesDir: serviceDisksDir(dataDir),
    mountsDir: root.disks,
    bytesMax: limits.serviceDataBytesMax,
    clock,
  });
  const serviceMounts = new ServiceMounts({ disks, mountsDir: root.services, clock });
  const deps: ContainerDeps = { ...options, root, network, serviceMounts, cgroups };
  const containers = new Set<Container>();
  const launch = (launchOptions: LaunchOptions): Container => {
    const container = new Container(deps, launchOptions);
    containers.add(container);
    void container.removed.finally(() => containers.delete(container));
    return container;
  };
  return {
    launch,
    network,
    prepare: (folders) => serviceMounts.prepare(folders),
    forget: (environment, service) => serviceMounts.forget(environment, service),
    openServiceData: async (environment, service) => {
      const folder = join(serviceFoldersDir(dataDir), environment, service);
      const image = join(serviceDisksDir(dataDir), environment, service);
      const isEmpty = !existsSync(folder) || readdirSync(folder).length === 0;
      // Mounting would make a disk for it.
      if (isEmpty && !existsSync(image)) return undefined;
      const dir = await disks.acquire(environment, service, folder);
      return { dir, release: () => disks.release(environment, service) };
    },
    probe: () => probe(launch),
    async close() {
      network.close();
      await Promise.all([...containers].map(({ removed }) => removed));
      await serviceMounts.close();
      await disks.unmountUnused();
      await removeShared(names, clock);
      releaseHost(hostId);
    },
  };
}

/** Hosts that have left something on this machine: they were killed, and have not been started again. */
export interface LeftHosts {
  /** Their ids, by which mounts, control groups and rules are named. */
  readonly removed: readonly string[];
  /** Why something of a host could not be removed. */
  readonly problems: readonly string[];
}

/** Removes everything that the containers of hosts have left which are gone. It never touches a host that runs. */
export async function removeLeftHosts(clock: Clock): Promise<LeftHosts> {
  const removed: string[] = [];
  const problems: string[] = [];
  if (findGoneHosts().length === 0) return { removed, problems };
  await withHostsLock(async () => {
    // Another host may have removed them while this one waited.
    for (const hostId of findGoneHosts()) {
      try {
        await removeShared(hostNames(hostId), clock);
        releaseHost(hostId);
        removed.push(hostId);
      } catch (error) {
        problems.push(`${hostId}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  });
  return { removed, problems };
}

async function probe(launch: (options: LaunchOptions) => Container): Promise<void> {
  let output = "";
  const onOutput = (chunk: Buffer): void => {
    output += chunk.toString("utf8").slice(0, PROBE_OUTPUT_CHARS_MAX - output.length);
  };
  const container = launch({ ram: DEFAULT_RAM_MB, onOutput });
  try {
    await container.prepared;
  } catch (error) {
    await container.removed;
    throw new Error(output.trim() || String(error), { cause: error });
  }
  container.kill();
  await container.removed;
}

/** Removes everything that the containers of a host share. After a crash of the host, it also ends the containers. */
async function removeShared({ hostId, dir, cgroups }: HostNames, clock: Clock): Promise<void> {
  await removeCgroups(cgroups, clock);
  await removeRules(hostId);
  await releaseSubnet(sandboxFolders(dir).networks);
  await removeSandboxRoot(dir);
}

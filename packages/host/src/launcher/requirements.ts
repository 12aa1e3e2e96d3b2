/** Checks what running instances in containers or as processes requires: the list of `lever doctor`. */
import { resolve } from "node:path";
import { findProgram } from "../processes/find-program.ts";
import { type ContainerSupport, findContainerSupport } from "./oci/oci-launcher.ts";
import { usersMissing } from "./process/user-support.ts";

/** One requirement: `found` when the machine meets it, otherwise `remedy`. */
export interface Requirement {
  readonly what: string;
  /** Where or in which form it was found. */
  readonly found?: string;
  /** How to meet it. */
  readonly remedy?: string;
}

/** The facts that the requirements depend on. */
export interface Machine {
  readonly platform: NodeJS.Platform;
  readonly arch: string;
  readonly isRoot: boolean;
  /** Path of an installed program. */
  findProgram(name: string): string | undefined;
}

const thisMachine: Machine = {
  platform: process.platform,
  arch: process.arch,
  isRoot: process.getuid?.() === 0,
  findProgram,
};

/** Checks what containers need on this machine. Changes nothing. */
export function checkContainerIsolation(
  support: ContainerSupport = findContainerSupport(),
): Requirement[] {
  return containerRequirements(thisMachine, support);
}

/** Checks what services that run as processes get on this machine with this data folder. Changes nothing. */
export function checkProcessIsolation(dataDir: string): Requirement[] {
  return processRequirements(thisMachine, usersMissing(resolve(dataDir)));
}

export function containerRequirements(machine: Machine, support: ContainerSupport): Requirement[] {
  const { cgroups, runtime, plugins, hasLoopDevices } = support;
  return [
    machine.platform === "linux"
      ? { what: "Linux", found: machine.arch }
      : {
          what: "Linux",
          remedy: "Containers need Linux: run Lever there, or in a virtual machine.",
        },
    machine.isRoot
      ? { what: "root", found: "running as root" }
      : {
          what: "root",
          remedy: "Start Lever as root (sudo): only root may create networks and set limits.",
        },
    "version" in cgroups
      ? { what: "control groups", found: `version ${cgroups.version}` }
      : {
          what: "control groups",
          remedy: `Mount them with all controllers: ${cgroups.missing}.`,
        },
    requirement("container runtime", runtime, "Install one: apt-get install runc"),
    requirement(
      "CNI plugins",
      plugins,
      "Install them: apt-get install containernetworking-plugins",
    ),
    tool(machine, "nft", "nftables"),
    tool(machine, "ip", "iproute2"),
    tool(machine, "tc", "iproute2"),
    tool(machine, "mount", "mount"),
    tool(machine, "mkfs.ext4", "e2fsprogs"),
    requirement(
      "loop devices",
      hasLoopDevices ? "/dev/loop-control" : undefined,
      "Load them: modprobe loop",
    ),
    tool(machine, "nsenter", "util-linux"),
    tool(machine, "flock", "util-linux"),
  ];
}

/** `sharedUserReason`: why services cannot have users of their own; undefined = they can. */
export function processRequirements(
  machine: Machine,
  sharedUserReason: string | undefined,
): Requirement[] {
  return [
    sharedUserReason === undefined
      ? { what: "own users", found: "each service runs as a user of its own" }
      : { what: "own users", remedy: `All services run as Lever's user: ${sharedUserReason}.` },
    machine.platform === "linux"
      ? { what: "memory", found: "an instance that uses more than its ram is killed" }
      : { what: "memory", remedy: "Lever limits the memory of an instance on Linux only." },
    tool(machine, "setpriv", "util-linux"),
    tool(machine, "prlimit", "util-linux"),
  ];
}

function requirement(what: string, found: string | undefined, remedy: string): Requirement {
  return found === undefined ? { what, remedy } : { what, found };
}

const tool = (machine: Machine, name: string, debianPackage: string): Requirement =>
  requirement(name, machine.findProgram(name), `Install it: apt-get install ${debianPackage}`);

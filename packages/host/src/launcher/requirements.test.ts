import { describe, expect, it } from "vitest";
import type { ContainerSupport } from "./oci/oci-launcher.ts";
import {
  containerRequirements,
  type Machine,
  processRequirements,
  type Requirement,
} from "./requirements.ts";

const complete: Machine = {
  platform: "linux",
  arch: "x64",
  isRoot: true,
  findProgram: (name) => `/usr/sbin/${name}`,
};
const support: ContainerSupport = {
  cgroups: { version: 2 },
  runtime: "/usr/bin/crun",
  plugins: "/usr/lib/cni",
  hasLoopDevices: true,
};
const without = (program: string): Machine => ({
  ...complete,
  findProgram: (name) => (name === program ? undefined : complete.findProgram(name)),
});
const missing = (requirements: readonly Requirement[]): (string | undefined)[][] =>
  requirements.filter(({ found }) => found === undefined).map(({ what, remedy }) => [what, remedy]);

describe("what containers need", () => {
  it("a complete machine lacks nothing and says where each part was found", () => {
    const requirements = containerRequirements(complete, support);
    expect(missing(requirements)).toEqual([]);
    expect(requirements.map(({ what, found }) => `${what}: ${found}`)).toEqual([
      "Linux: x64",
      "root: running as root",
      "control groups: version 2",
      "container runtime: /usr/bin/crun",
      "CNI plugins: /usr/lib/cni",
      "nft: /usr/sbin/nft",
      "ip: /usr/sbin/ip",
      "tc: /usr/sbin/tc",
      "mount: /usr/sbin/mount",
      "mkfs.ext4: /usr/sbin/mkfs.ext4",
      "loop devices: /dev/loop-control",
      "nsenter: /usr/sbin/nsenter",
      "flock: /usr/sbin/flock",
    ]);
  });

  it.each<[string, Machine, ContainerSupport, string, string]>([
    ["another system", { ...complete, platform: "darwin" }, support, "Linux", "virtual machine"],
    ["another user", { ...complete, isRoot: false }, support, "root", "(sudo)"],
    [
      "a missing controller",
      complete,
      { ...support, cgroups: { missing: "control groups lack pids" } },
      "control groups",
      "all controllers: control groups lack pids.",
    ],
    [
      "a missing container runtime",
      complete,
      { ...support, runtime: undefined },
      "container runtime",
      "apt-get install runc",
    ],
    [
      "a missing CNI plugin",
      complete,
      { ...support, plugins: undefined },
      "CNI plugins",
      "apt-get install containernetworking-plugins",
    ],
    ["missing nft", without("nft"), support, "nft", "apt-get install nftables"],
    ["missing mkfs.ext4", without("mkfs.ext4"), support, "mkfs.ext4", "apt-get install e2fsprogs"],
    [
      "missing loop devices",
      complete,
      { ...support, hasLoopDevices: false },
      "loop devices",
      "modprobe loop",
    ],
  ])("%s is reported with its remedy", (_name, machine, found, what, remedy) => {
    expect(missing(containerRequirements(machine, found))).toEqual([
      [what, expect.stringContaining(remedy)],
    ]);
  });
});

describe("what services that run as processes get", () => {
  it("a complete machine gives each service a user and limits its memory", () => {
    expect(missing(processRequirements(complete, undefined))).toEqual([]);
  });

  it("the reason why services share Lever's user is reported", () => {
    expect(missing(processRequirements(complete, "Lever does not run as root"))).toEqual([
      ["own users", "All services run as Lever's user: Lever does not run as root."],
    ]);
  });

  it("another system than Linux does not limit memory", () => {
    expect(missing(processRequirements({ ...complete, platform: "darwin" }, undefined))).toEqual([
      ["memory", "Lever limits the memory of an instance on Linux only."],
    ]);
  });

  it("missing setpriv is reported with its package", () => {
    expect(missing(processRequirements(without("setpriv"), undefined))).toEqual([
      ["setpriv", "Install it: apt-get install util-linux"],
    ]);
  });
});

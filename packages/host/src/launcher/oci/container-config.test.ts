import { expect, it } from "vitest";
import { containerConfig, HOST_USER_UID } from "./container-config.ts";
import { resourceShare } from "./resource-share.ts";

const config = containerConfig({
  rootfs: "/run/lever/x/rootfs",
  sandboxDir: "/run/lever/x/sandboxes/1",
  cgroup: "/lever-x/1/instance",
  args: ["/lever/node", "main.cjs"],
  env: { LANG: "C.UTF-8", PATH: "/usr/bin" },
  share: resourceShare(128, { openFilesMax: 65_536 }),
});

it("the process is an unprivileged user without any capability", () => {
  expect(config).toMatchObject({
    process: {
      user: { uid: 1_000, gid: 1_000 },
      noNewPrivileges: true,
      capabilities: { bounding: [], effective: [], inheritable: [], permitted: [], ambient: [] },
    },
  });
});

it("the process gets exactly the given arguments and variables", () => {
  expect(config).toMatchObject({
    process: { args: ["/lever/node", "main.cjs"], env: ["LANG=C.UTF-8", "PATH=/usr/bin"] },
  });
});

it("the container's users are users of the host that no account has", () => {
  const mappings = [
    { containerID: 0, hostID: HOST_USER_UID - 1, size: 1 },
    { containerID: 1_000, hostID: HOST_USER_UID, size: 1 },
  ];
  expect(HOST_USER_UID).toBeGreaterThan(0x7000_0000);
  expect(config).toMatchObject({ linux: { uidMappings: mappings, gidMappings: mappings } });
});

it("the container has a namespace of every kind but time", () => {
  const types = ["pid", "mount", "ipc", "uts", "network", "cgroup", "user"];
  expect(config).toMatchObject({ linux: { namespaces: types.map((type) => ({ type })) } });
});

it("the root is read-only, and each writable folder has a limit of size and files", () => {
  expect(config).toMatchObject({ root: { path: "/run/lever/x/rootfs", readonly: true } });
  const { mounts } = config as { mounts: { destination: string; options: string[] }[] };
  const options = new Map(mounts.map((mount) => [mount.destination, mount.options]));
  expect(options.get("/tmp")).toEqual(
    expect.arrayContaining(["nosuid", "nodev", "size=32000000", "nr_inodes=8192"]),
  );
  expect(options.get("/dev/shm")).toEqual(
    expect.arrayContaining(["nosuid", "nodev", "noexec", "size=16m", "nr_inodes=8192"]),
  );
  expect(options.get("/dev")).toContain("size=64k");
});

it("mounts that the host adds to the sandbox folder appear in the container, not the other way", () => {
  const { mounts } = config as { mounts: object[] };
  expect(mounts.at(-1)).toEqual({
    destination: "/lever/sandbox",
    type: "bind",
    source: "/run/lever/x/sandboxes/1",
    options: ["rbind", "rslave"],
  });
});

it("limits of the process follow its share, and crashes start no handler of the host", () => {
  expect(config).toMatchObject({
    process: {
      rlimits: [
        { type: "RLIMIT_NOFILE", hard: 2_048, soft: 2_048 },
        { type: "RLIMIT_SIGPENDING", hard: 256, soft: 256 },
        { type: "RLIMIT_MSGQUEUE", hard: 0, soft: 0 },
        { type: "RLIMIT_CORE", hard: 1, soft: 1 },
      ],
    },
    linux: { cgroupsPath: "/lever-x/1/instance" },
  });
});

it("no device may be used, and files of /proc about the machine are hidden or read-only", () => {
  expect(config).toMatchObject({
    linux: {
      resources: { devices: [{ allow: false, access: "rwm" }] },
      maskedPaths: expect.arrayContaining(["/proc/kcore", "/proc/keys", "/proc/kallsyms"]),
      readonlyPaths: expect.arrayContaining(["/proc/sys", "/proc/sysrq-trigger"]),
    },
  });
});

/** Requirements of tests besides Node. `vitest.config.ts` skips the tests that this machine cannot run. */
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { postgresPrograms } from "./postgres.ts";

interface Requirement {
  /** A test file has it in a comment (`// @module-tag needs-curl`), a test in its options (`{ tags: ["needs-curl"] }`). */
  readonly tag: string;
  readonly what: string;
  /** The Debian packages to install. */
  readonly debianPackages: readonly string[];
  /** Looks for files only: it runs at the start of every test run. */
  readonly isMet: () => boolean;
}

const programDirs = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin"];

/** The path of an installed program. */
export const findProgram = (name: string): string | undefined =>
  programDirs.map((dir) => join(dir, name)).find(existsSync);

const hasPrograms = (...names: readonly string[]): boolean =>
  names.every((name) => findProgram(name) !== undefined);

const isRoot = (): boolean => process.getuid?.() === 0;

export const requirements: readonly Requirement[] = [
  { tag: "needs-root", what: "root", debianPackages: [], isMet: isRoot },
  {
    tag: "needs-curl",
    what: "curl",
    debianPackages: ["curl"],
    isMet: () => hasPrograms("curl"),
  },
  {
    tag: "needs-nghttp2",
    what: "nghttp and h2load",
    debianPackages: ["nghttp2-client"],
    isMet: () => hasPrograms("nghttp", "h2load"),
  },
  {
    tag: "needs-git",
    what: "git",
    debianPackages: ["git"],
    isMet: () => hasPrograms("git"),
  },
  {
    tag: "needs-openssl",
    what: "openssl",
    debianPackages: ["openssl"],
    isMet: () => hasPrograms("openssl"),
  },
  { tag: "needs-zsh", what: "zsh", debianPackages: ["zsh"], isMet: () => hasPrograms("zsh") },
  { tag: "needs-fish", what: "fish", debianPackages: ["fish"], isMet: () => hasPrograms("fish") },
  {
    tag: "needs-systemd",
    what: "systemd-analyze",
    debianPackages: ["systemd"],
    isMet: () => hasPrograms("systemd-analyze"),
  },
  {
    tag: "needs-chromium",
    what: "/usr/bin/chromium",
    debianPackages: ["chromium"],
    isMet: () => existsSync("/usr/bin/chromium"),
  },
  {
    tag: "needs-python",
    what: "/usr/bin/python3 with grpc and protobuf",
    debianPackages: ["python3-grpcio", "python3-protobuf"],
    isMet: () =>
      ["/usr/bin/python3", ...pythonModules("grpc", "google/protobuf")].every((path) =>
        existsSync(path),
      ),
  },
  {
    tag: "needs-flask",
    what: "Flask and gunicorn",
    debianPackages: ["python3-flask", "gunicorn"],
    isMet: () =>
      hasPrograms("gunicorn") && pythonModules("flask").every((path) => existsSync(path)),
  },
  {
    tag: "needs-nginx",
    what: "nginx",
    debianPackages: ["nginx-light"],
    isMet: () => hasPrograms("nginx"),
  },
  {
    tag: "needs-prometheus",
    what: "prometheus and promtool",
    // Without what the package recommends, which would listen.
    debianPackages: ["prometheus", "prometheus-node-exporter-"],
    isMet: () => hasPrograms("prometheus", "promtool"),
  },
  {
    tag: "needs-postgres",
    what: "PostgreSQL and setpriv",
    debianPackages: ["postgresql", "util-linux"],
    isMet: () => postgresPrograms() !== undefined && hasPrograms("setpriv"),
  },
  {
    tag: "needs-network-namespaces",
    what: "root and ip",
    debianPackages: ["iproute2"],
    isMet: () => isRoot() && hasPrograms("ip"),
  },
  {
    tag: "needs-containers",
    what: "root, runc, CNI plugins and tools (lever doctor lists them)",
    debianPackages: [
      "runc",
      "containernetworking-plugins",
      "nftables",
      "iproute2",
      "e2fsprogs",
      "util-linux",
      "mount",
      "procps",
    ],
    isMet: () =>
      isRoot() &&
      existsSync("/usr/lib/cni/ptp") &&
      hasPrograms("runc", "nft", "ip", "tc", "mkfs.ext4", "mount", "losetup") &&
      hasPrograms("nsenter", "prlimit", "ps"),
  },
];

function pythonModules(...names: readonly string[]): string[] {
  return names.map((name) => join("/usr/lib/python3/dist-packages", name));
}

export function isMet(tag: string): boolean {
  const requirement = requirements.find((other) => other.tag === tag);
  if (requirement === undefined)
    throw new Error(`Cannot check ${tag}: there is no such requirement.`);
  return requirement.isMet();
}

/** The Debian packages of the requirements that this machine does not meet. */
export function packagesMissing(): string[] {
  const unmet = requirements.filter(({ isMet }) => !isMet());
  return [...new Set(unmet.flatMap(({ debianPackages }) => debianPackages))];
}

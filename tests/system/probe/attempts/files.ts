import { type ArchiveEntry, archiveOf } from "../../../harness/archive.ts";
import type { Attempt } from "../attempt.ts";
import { deploying } from "../deploying.ts";

const ENTRIES: readonly ArchiveEntry[] = [
  { path: "x.js", type: "SymbolicLink", linkpath: "/etc/passwd" },
  { path: "x.js", type: "SymbolicLink", linkpath: "../../lever.sqlite" },
  { path: "x.js", type: "Link", linkpath: "/etc/passwd" },
  { path: "x.js", type: "Link", linkpath: "../../lever.sqlite" },
  { path: "etc", type: "SymbolicLink", linkpath: "/etc" },
  { path: "../x.js", body: "x" },
  { path: "/tmp/x.js", body: "x" },
  { path: "x/../../x.js", body: "x" },
  { path: "x.js", type: "CharacterDevice" },
  { path: "x.js", type: "BlockDevice" },
  { path: "x.js", type: "FIFO" },
];

/** Attempts on the files of the machine, the host and other services. */
export const files: readonly Attempt[] = [
  {
    name: "reads the machine's accounts and keys",
    gain: "password hashes, private keys",
    answers: { oci: "ENOENT" },
    python: `
say(*[reading(it) for it in ("/etc/shadow", "/etc/gshadow", "/etc/ssh", "/root", "/home", "/var/log", "/etc/ssl/private")])`,
  },
  {
    name: "reads the host's database, its key, and archives",
    gain: "secrets and code of every tenant",
    answers: { oci: "ENOENT" },
    python: `
for name in ("", "lever.sqlite", "secret.key", "archives", "removed", "backup", "code", "services", "processes"):
    say(reading(os.path.join(facts["dataDir"], name)))`,
  },
  {
    name: "searches every folder for another service's code and data",
    gain: "another service's code or data",
    answers: { oci: "nothing" },
    python: `
found = "nothing"
for folder, folders, names in os.walk("/"):
    folders[:] = [it for it in folders if folder != "/" or it not in ("proc", "usr")]
    for name in names:
        if "neighbour" in name:
            found = os.path.join(folder, name)
say(found)`,
  },
  {
    name: "leaves its folders through .., through links, and through /proc/self",
    gain: "files outside its own root",
    answers: { oci: "its own root" },
    python: `
data = os.environ["LEVEROS_DATA_DIR"]
for target in ("../" * 40, "/proc/self/root", "/proc/1/root", "/proc/1/cwd/" + "../" * 40):
    link = os.path.join(data, "out")
    os.symlink(target, link)
    seen = os.stat(link)
    os.remove(link)
    root = os.stat("/")
    say("its own root" if (seen.st_dev, seen.st_ino) == (root.st_dev, root.st_ino) else target)`,
  },
  {
    name: "writes to the root, the machine's programs, the runtime, and files that other containers share",
    gain: "code that others run",
    answers: { oci: "EROFS EACCES" },
    python: `
say(*[writing(it) for it in ("/x", "/etc/passwd", "/usr/bin/x", "/usr/bin/python3", "/lever/node", "/lever/x",
    "/lever/program/x")])`,
  },
  {
    name: "writes its own code, with archive modes that allow every user to write",
    gain: "code of its service's other and later instances, and of versions to roll back to",
    answers: { oci: "EACCES EROFS" },
    python: `
say(*[writing(it) for it in ("server.js", "lever.json", "loose.txt", "loose/x", "x")])
say(attempt(lambda: os.chmod("loose.txt", 0o777)).replace("EPERM", "EACCES"))`,
  },
  {
    name: "creates devices, and opens the machine's devices",
    gain: "the machine's memory and disks",
    answers: { oci: "EPERM ENOENT" },
    python: `
import stat
for kind, major, minor in ((stat.S_IFCHR, 1, 1), (stat.S_IFCHR, 1, 11), (stat.S_IFBLK, 8, 0), (stat.S_IFBLK, 254, 0)):
    say(attempt(lambda: os.mknod("/tmp/device", kind | 0o600, os.makedev(major, minor))))
for name in ("mem", "kmem", "port", "kmsg", "sda", "vda", "nvme0n1", "loop0", "loop-control", "fuse", "kvm", "net/tun",
    "vhost-net", "mapper/control", "userfaultfd"):
    say(reading("/dev/" + name))`,
  },
  {
    name: "becomes root through setuid programs, its own and the machine's",
    gain: "root",
    answers: { oci: "refused" },
    python: `
import shutil, subprocess
own = os.path.join(os.environ["LEVEROS_DATA_DIR"], "shell")
shutil.copy("/usr/bin/id", own)
os.chmod(own, 0o6777)
user = subprocess.run([own, "-u"], capture_output=True, text=True).stdout.strip()
say("refused" if user == "1000" else user)
os.remove(own)
for command in (["/usr/bin/su", "-c", "id"], ["/usr/bin/mount", "-t", "tmpfs", "none", "/tmp"]):
    say("done" if subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL).returncode == 0 else "refused")`,
  },
  {
    name: "deploys archives with links, devices and paths that lead out of the folder",
    gain: "files that the host writes or reads on its behalf",
    answers: { oci: "not unpacked", process: "not unpacked" },
    from: async ({ lever }) => {
      const leverJson = { path: "lever.json", body: '{"name": "leaving", "jsEntry": "x.js"}' };
      const archives = ENTRIES.map((entry) => archiveOf([leverJson, entry]));
      return deploying(lever.address, archives);
    },
  },
];

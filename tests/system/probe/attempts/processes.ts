import type { Attempt } from "../attempt.ts";

/** Other processes, and what /proc shows of the machine. */
export const processes: readonly Attempt[] = [
  {
    name: "searches for processes of others",
    gain: "their command lines, variables and files",
    answers: { oci: "only its own" },
    python: `
own = {"1", str(os.getpid())}
others = [it for it in os.listdir("/proc") if it.isdigit() and it not in own]
say("only its own" if others == [] else "process " + others[0])
say(*[it for it in (reading("/proc/%d/%s" % (facts["hostPid"], it)) for it in ("environ", "mem", "root/etc/shadow")) if it != "ENOENT"])`,
  },
  {
    name: "sends signals to the host and to all processes",
    gain: "the end of other processes",
    answers: { oci: "ESRCH" },
    python: `
say(*[attempt(lambda: os.kill(it, signal.SIGKILL)) for it in (facts["hostPid"], -facts["hostPid"], -1)])
say(call("pidfd_open", facts["hostPid"], 0).replace("EINVAL", "ESRCH"))`,
  },
  {
    name: "traces other processes, and reads and writes their memory",
    gain: "their memory, and through it their rights",
    answers: { oci: "EPERM" },
    python: `
buffer = ctypes.create_string_buffer(64)
say(call("ptrace", 16, 1, 0, 0), call("ptrace", 0x4206, 1, 0, 0), call("process_vm_readv", 1, buffer, 1, buffer, 1, 0),
    call("process_vm_writev", 1, buffer, 1, buffer, 1, 0), call("kcmp", 1, os.getpid(), 0, 0, 0),
    call("pidfd_getfd", 3, 3, 0))`,
  },
  {
    name: "changes kernel settings in /proc",
    gain: "a program of its choice run as root (core_pattern, modprobe), a reboot (sysrq)",
    answers: { oci: "EACCES" },
    python: `
for name in ("kernel/core_pattern", "kernel/modprobe", "kernel/hostname", "kernel/randomize_va_space", "vm/overcommit_memory",
    "net/ipv4/ip_forward", "user/max_inotify_instances", "fs/file-max", "/proc/sysrq-trigger", "/proc/irq/0/smp_affinity"):
    name = os.path.join("/proc/sys", name)
    if os.path.exists(name):
        say(writing(name).replace("EROFS", "EACCES"))`,
  },
  {
    name: "reads the kernel's memory, keys and timers through /proc",
    gain: "the machine's memory and secrets",
    answers: { oci: "nothing" },
    python: `
def content(path):
    try:
        return "nothing" if open(path, "rb").read(64) == b"" else path
    except OSError:
        return "nothing"
say(*[content("/proc/" + it) for it in ("kcore", "kmsg", "keys", "key-users", "kallsyms", "timer_list", "sched_debug",
    "interrupts", "kpagecount", "kpageflags", "slabinfo", "vmallocinfo", "config.gz", "scsi/scsi", "acpi/wakeup")])`,
  },
  {
    name: "writes to control groups and to /sys",
    gain: "more than its share, a release_agent run as root",
    answers: { oci: "ENOENT" },
    python: `
say(*[reading(it) for it in ("/sys/fs/cgroup", "/sys/kernel", "/sys/class", "/sys/firmware", "/cgroup")])`,
  },
  {
    name: "writes input into the host's terminal",
    gain: "commands in the shell that started Lever",
    answers: { oci: "no terminal" },
    python: `
import fcntl, termios
def types():
    fcntl.ioctl(os.open("/dev/tty", os.O_RDWR), termios.TIOCSTI, b"x")
say("no terminal" if attempt(types) in ("ENXIO", "EPERM", "ENOENT") else "typed")`,
  },
  {
    name: "searches its inherited descriptors for open files of the host",
    gain: "a way out of its root, for example through a leaked folder",
    answers: { oci: "only the shared memory" },
    script: `
const fs = require("node:fs");
const paths = fs.readdirSync("/proc/self/fd").flatMap((fd) => {
  try { return [fs.readlinkSync("/proc/self/fd/" + fd)]; } catch { return []; }
});
const isShared = (path) => /^[/]dev[/]shm[/]lever-[0-9a-f]+ [(]deleted[)]$/.test(path);
const isNothing = (path) => !path.startsWith("/") || path === "/dev/null" || path === "/proc/1/fd";
const others = paths.filter((path) => !isShared(path) && !isNothing(path));
return others[0] ?? (paths.filter(isShared).length === 2 ? "only the shared memory" : "too few");`,
  },
  {
    name: "opens folders relative to the memory that it shares with its host",
    gain: "a way out of its root",
    answers: { oci: "ENOTDIR" },
    script: `
const fs = require("node:fs");
try { return fs.readdirSync("/proc/self/fd/4/..").join(" "); } catch (error) { return error.code; }`,
  },
];

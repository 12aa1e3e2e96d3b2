import type { Attempt } from "../attempt.ts";

/** Each is one family of system calls. */
const calls = (name: string, gain: string, python: string, oci = "EPERM"): Attempt => ({
  name,
  gain,
  answers: { oci },
  python,
});

/** Attempts on the kernel. */
export const kernel: readonly Attempt[] = [
  calls(
    "mounts, unmounts, and changes its root",
    "other files in place of its own",
    `
say(call("mount", b"none", b"/tmp", b"tmpfs", 0, 0), call("mount", b"proc", b"/tmp", b"proc", 0, 0),
    call("mount", 0, b"/", 0, 32, 0), call("umount2", b"/proc/kcore", 2), call("umount2", b"/lever/sandbox/service/code", 2),
    call("pivot_root", b"/tmp", b"/tmp"), call("chroot", b"/tmp"), call("fsopen", b"tmpfs", 0),
    call("open_tree", -100, b"/", 1), call("move_mount", -100, b"/", -100, b"/tmp", 0),
    call("mount_setattr", -100, b"/", 0, 0, 0))`,
  ),
  calls(
    "creates namespaces, in particular a user namespace",
    "root in a namespace, and a larger attack surface of the kernel",
    `
for flag in (0x80, 0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000):
    say(call("unshare", flag), call("clone", flag | 17, 0, 0, 0, 0))`,
  ),
  calls(
    "creates namespaces with clone3, whose flags a filter cannot see",
    "root in a namespace, and a larger attack surface of the kernel",
    `
arguments = (ctypes.c_uint64 * 11)(0x10000000)
say(call("clone3", arguments, 88))`,
    "ENOSYS",
  ),
  calls(
    "joins other namespaces",
    "the host's files, network and processes",
    `
for name in ("mnt", "net", "user", "pid"):
    say(call("setns", os.open("/proc/1/ns/" + name, os.O_RDONLY), 0))`,
  ),
  calls(
    "becomes another user",
    "the rights of root or of another user",
    `
for work in (lambda: os.setuid(0), lambda: os.setgid(0), lambda: os.setresuid(0, 0, 0), lambda: os.setresgid(0, 0, 0),
    lambda: os.setgroups([0]), lambda: os.setuid(65534)):
    say(attempt(work).replace("EINVAL", "EPERM"))`,
  ),
  calls(
    "raises its capabilities",
    "root's powers",
    `
header = (ctypes.c_uint32 * 2)(0x20080522, 0)
every = (ctypes.c_uint32 * 6)(0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0x1FF, 0x1FF, 0x1FF)
ctypes.set_errno(0)
say("done" if libc.capset(header, every) == 0 else errno.errorcode[ctypes.get_errno()])
for capability in range(41):
    say("done" if libc.prctl(47, 2, capability, 0, 0) == 0 else errno.errorcode[ctypes.get_errno()])`,
  ),
  calls(
    "loads kernel modules and another kernel, and reboots",
    "the machine",
    `
say(call("init_module", b"x", 1, b""), call("finit_module", 0, b"", 0), call("delete_module", b"nf_tables", 0),
    call("kexec_load", 0, 0, 0, 0), call("reboot", 0xFEE1DEAD, 672274793, 0x1234567, 0))`,
  ),
  calls(
    "changes swap, quotas, accounting, names and clocks",
    "time, names and limits of others",
    `
now = (ctypes.c_long * 2)(0, 0)
say(call("swapon", b"/tmp/x", 0), call("quotactl", 0, b"/", 0, 0), call("acct", b"/tmp/x"), call("sethostname", b"x", 1),
    call("setdomainname", b"x", 1), call("settimeofday", now, 0), call("clock_settime", 0, now), call("adjtimex", now),
    call("vhangup"), call("iopl", 3), call("ioperm", 0x70, 1, 1))`,
  ),
  calls(
    "uses BPF, performance counters, io_uring and userfaultfd",
    "the parts of the kernel with the most known vulnerabilities",
    `
zeros = ctypes.create_string_buffer(256)
say(call("bpf", 0, zeros, 64), call("bpf", 5, zeros, 64), call("perf_event_open", zeros, 0, -1, -1, 0),
    call("io_uring_setup", 8, zeros), call("userfaultfd", 1))`,
  ),
  calls(
    "uses the kernel's key rings",
    "keys of the machine's users; a memory quota that all containers share",
    `
say(call("add_key", b"user", b"x", b"x", 1, -4), call("request_key", b"user", b"x", 0, -4), call("keyctl", 0, -4, 1),
    call("keyctl", 11, -5, 0, 0))`,
  ),
  calls(
    "opens files by handle",
    "any file of a file system of which it sees a part",
    `
handle = ctypes.create_string_buffer(128)
number = ctypes.c_int()
say(call("name_to_handle_at", -100, b"/", handle, ctypes.byref(number), 0),
    call("open_by_handle_at", os.open("/", os.O_RDONLY), handle, 0))`,
  ),
  calls(
    "reads the kernel's log, and changes how processes run",
    "addresses in the kernel",
    `
say(call("syslog", 3, ctypes.create_string_buffer(64), 64), call("personality", 0x0040000), call("migrate_pages", 1, 0, 0, 0),
    call("seccomp", 2, 0, 0))`,
  ),
  calls(
    "uses shared memory, semaphores and queues of System V and POSIX",
    "kernel memory that remains after its end",
    `
say(call("shmget", 0, 4096, 0o1666), call("semget", 0, 1, 0o1666), call("msgget", 0, 0o1666),
    call("mq_open", b"x", 0o102, 0o666, 0))`,
  ),
  calls(
    "watches files that it shares with others, through inotify, dnotify and fanotify",
    "which files neighbours and the machine open; a number of watches that all containers share",
    `
import fcntl
say(call("inotify_init1", 0), call("fanotify_init", 0, 0))
folder = os.open("/usr/bin", os.O_RDONLY)
say(attempt(lambda: fcntl.fcntl(folder, 1026, 1)), call("fcntl", folder, 1026 | 1 << 32, 1))`,
    "ENOSYS EPERM",
  ),
  calls(
    "flushes all file systems of the machine to disk",
    "a busy disk for all others",
    `
say(call("sync"), call("syncfs", os.open("/usr", os.O_RDONLY)))`,
  ),
  calls(
    "lowers the limit that disables the machine's crash handler",
    "a program that runs as root for each crash, outside its limits",
    `
say("limit %d" % resource.getrlimit(resource.RLIMIT_CORE)[0])
def lower():
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except ValueError:
        raise PermissionError(errno.EPERM, "")
say(attempt(lower))
none = (ctypes.c_uint64 * 2)(0, 0)
say(call("prlimit64", 0, 4 | 1 << 32, none, 0), call("setrlimit", 4 | 1 << 32, none))`,
    "limit 1 EPERM",
  ),
  calls(
    "makes system calls through the 32-bit interface, around the filter",
    "every system call that the filter refuses",
    `
import mmap
# mov eax, 20 (getpid); int 0x80; ret. Other machines, and kernels built without it, have no such interface.
def getpid32():
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(bytes.fromhex("b814000000cd80c3"))
    return ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
status = signal.SIGSYS
if platform.machine() == "x86_64":
    child = os.fork()
    if child == 0: os._exit(0 if getpid32() > 0 else 1)
    status = os.waitpid(child, 0)[1]
if os.WIFEXITED(status): say("done" if os.WEXITSTATUS(status) == 0 else "refused")
else:
    # A kernel without the interface answers with SIGSEGV: nothing goes around the filter there either.
    os.kill(os.getpid(), signal.SIGSYS)`,
    "SIGSYS",
  ),
];

/**
 * The system calls that a container may make: what a language runtime, its libraries and the tools it starts need for
 * files, memory, threads, processes, sockets and time (syscalls(2)). Everything else fails with EPERM: mounts, other
 * namespaces, tracing, kernel modules, keys, BPF, performance counters, io_uring, swapping, clocks, reboots.
 */
const ALLOWED = `
accept accept4 access alarm arch_prctl bind brk capget capset chdir chmod chown clock_getres clock_gettime
clock_nanosleep close close_range connect copy_file_range creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl
epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 execve execveat exit exit_group
faccessat faccessat2 fadvise64 fallocate fchdir fchmod fchmodat fchmodat2 fchown fchownat fcntl fdatasync fgetxattr
flistxattr flock fork fstat fstatfs fsync ftruncate futex futex_waitv futimesat get_robust_list get_thread_area getcpu
getcwd getdents getdents64 getegid geteuid getgid getgroups getitimer getpeername getpgid getpgrp getpid getppid
getpriority getrandom getresgid getresuid getrlimit getrusage getsid getsockname getsockopt gettid gettimeofday getuid
getxattr inotify_add_watch inotify_init inotify_init1 inotify_rm_watch ioctl ioprio_get kill landlock_add_rule
landlock_create_ruleset landlock_restrict_self lchown lgetxattr link linkat listen listxattr llistxattr lseek lstat
madvise membarrier memfd_create mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall mmap mprotect mremap msync
munlock munlockall munmap nanosleep newfstatat open openat openat2 pause pidfd_open pidfd_send_signal pipe pipe2
pkey_alloc pkey_free pkey_mprotect poll ppoll prctl pread64 preadv preadv2 prlimit64 pselect6 pwrite64 pwritev pwritev2
read readahead readlink readlinkat readv recvfrom recvmmsg recvmsg rename renameat renameat2 restart_syscall rmdir
riscv_flush_icache rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend
rt_sigtimedwait rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr
sched_getparam sched_getscheduler sched_rr_get_interval sched_setaffinity sched_yield select sendfile sendmmsg sendmsg
sendto set_robust_list set_tid_address setgid setgroups setitimer setpgid setpriority setregid setresgid setresuid
setreuid setrlimit setsid setsockopt setuid shutdown sigaltstack signalfd signalfd4 socketpair splice stat statfs statx
symlink symlinkat sync sync_file_range syncfs sysinfo tee tgkill time timer_create timer_delete timer_getoverrun
timer_gettime timer_settime timerfd_create timerfd_gettime timerfd_settime times tkill truncate umask uname unlink
unlinkat utime utimensat utimes vfork vmsplice wait4 waitid write writev
`;

/** clone(2) flags that make namespaces: NEWTIME, NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const NAMESPACE_FLAGS = 0x7e_02_00_80;
const EPERM = 1;
const ENOSYS = 38;
/** socket(2) families: unix, IPv4, IPv6, netlink (which getaddrinfo and os.networkInterfaces use). */
const FAMILIES = [1, 2, 10, 16];
/** socket(2) types: the low bits of the second argument; raw and packet sockets are refused. */
const SOCKET_TYPES = [1, 2, 5];
const SOCKET_TYPE_MASK = 0xf;
const NETLINK = 16;
const NETLINK_RAW = 3;

const architectures: Readonly<Record<string, string>> = {
  x64: "SCMP_ARCH_X86_64",
  arm64: "SCMP_ARCH_AARCH64",
};

/** The `linux.seccomp` part of a container's configuration (OCI runtime specification). */
export function seccompFilter(arch: string = process.arch): object {
  const architecture = architectures[arch];
  const sockets = FAMILIES.filter((family) => family !== NETLINK).flatMap((family) =>
    SOCKET_TYPES.map((type) => socketRule(family, type)),
  );
  return {
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: EPERM,
    ...(architecture !== undefined && { architectures: [architecture] }),
    syscalls: [
      { names: ALLOWED.trim().split(/\s+/), action: "SCMP_ACT_ALLOW" },
      {
        names: ["clone"],
        action: "SCMP_ACT_ALLOW",
        args: [{ index: 0, value: NAMESPACE_FLAGS, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" }],
      },
      // Its flags are in memory, where no filter sees them; libraries fall back to clone.
      { names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: ENOSYS },
      ...sockets,
      socketRule(NETLINK, NETLINK_RAW, 0),
    ],
  };
}

/** Allows one family with one type, and for netlink one protocol (0 = route). */
function socketRule(family: number, type: number, protocol?: number): object {
  return {
    names: ["socket"],
    action: "SCMP_ACT_ALLOW",
    args: [
      { index: 0, value: family, op: "SCMP_CMP_EQ" },
      { index: 1, value: SOCKET_TYPE_MASK, valueTwo: type, op: "SCMP_CMP_MASKED_EQ" },
      ...(protocol === undefined ? [] : [{ index: 2, value: protocol, op: "SCMP_CMP_EQ" }]),
    ],
  };
}

/**
 * The system calls that a container may make: those that language runtimes, their libraries and tools need for files,
 * memory, threads, processes, sockets and time (syscalls(2)). All others fail with EPERM: mounts, other namespaces,
 * tracing, kernel modules, keys, BPF, performance counters, io_uring, swapping, setting clocks, reboots, and sync, which
 * blocks other processes of the machine until its disks have written.
 */
const ALLOWED = `
accept accept4 access alarm arch_prctl bind brk capget capset chdir chmod chown clock_getres clock_gettime
clock_nanosleep close close_range connect copy_file_range creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl
epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 execve execveat exit exit_group
faccessat faccessat2 fadvise64 fallocate fchdir fchmod fchmodat fchmodat2 fchown fchownat fdatasync fgetxattr
flistxattr flock fork fstat fstatfs fsync ftruncate futex futex_waitv futimesat get_robust_list get_thread_area getcpu
getcwd getdents getdents64 getegid geteuid getgid getgroups getitimer getpeername getpgid getpgrp getpid getppid
getpriority getrandom getresgid getresuid getrlimit getrusage getsid getsockname getsockopt gettid gettimeofday getuid
getxattr ioctl ioprio_get kill landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown lgetxattr link
linkat listen listxattr llistxattr lseek lstat madvise membarrier memfd_create mincore mkdir mkdirat mknod mknodat
mlock mlock2 mlockall mmap mprotect mremap msync munlock munlockall munmap nanosleep newfstatat open openat openat2
pause pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc pkey_free pkey_mprotect poll ppoll prctl pread64 preadv
preadv2 pselect6 pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv recvfrom recvmmsg recvmsg rename
renameat renameat2 restart_syscall rmdir riscv_flush_icache rseq rt_sigaction rt_sigpending rt_sigprocmask
rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo sched_get_priority_max
sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval
sched_setaffinity sched_yield select sendfile sendmmsg sendmsg sendto set_robust_list set_tid_address setgid setgroups
setitimer setpgid setpriority setregid setresgid setresuid setreuid setsid setsockopt setuid shutdown sigaltstack
signalfd signalfd4 splice stat statfs statx symlink symlinkat sync_file_range sysinfo tee tgkill time timer_create
timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create timerfd_gettime timerfd_settime times tkill
truncate umask uname unlink unlinkat utime utimensat utimes vfork vmsplice wait4 waitid write writev
`;

/** clone(2) flags that make namespaces: NEWTIME, NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const NAMESPACE_FLAGS = 0x7e_02_00_80;
const EPERM = 1;
const ENOSYS = 38;
/**
 * These fail with ENOSYS, so that libraries fall back to others: without inotify they poll, without clone3 they use clone.
 * inotify would show which of the shared files other containers and the machine open. The kernel also counts the watchers
 * of all containers towards the limit of the host's root, which may be 128. clone3 has its flags in memory, where no
 * filter can read them.
 */
const UNIMPLEMENTED = ["inotify_init", "inotify_init1", "clone3"];
/**
 * Commands of fcntl(2), except F_NOTIFY (1026), which does what inotify does, with signals. The filter lists the allowed
 * ones: it compares 64 bits, but the kernel uses 32 of them, so other numbers than 1026 may mean F_NOTIFY too.
 */
const FCNTL_UP_TO = 1_025;
const FCNTL_BEYOND = [1_027, 1_028, 1_030, 1_031, 1_032, 1_033, 1_034];
/** Limits of setrlimit(2), except RLIMIT_CORE (4), which disables the host's crash handler (`CORE_BYTES`). */
const RLIMITS = [0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/** socket(2): families, types (the low bits of the second argument), protocols. */
const UNIX = 1;
const IPV4 = 2;
const IPV6 = 10;
const NETLINK = 16;
const STREAM = 1;
const DATAGRAM = 2;
const RAW = 3;
const SEQUENCED = 5;
const SOCKET_TYPE_MASK = 0xf;
const TCP = 6;
const UDP = 17;
/** All others are refused. Rarely used protocols have more undiscovered bugs: SCTP, DCCP, SMC, raw packets. */
const SOCKETS: readonly (readonly [family: number, type: number, protocol: number])[] = [
  ...[STREAM, DATAGRAM, SEQUENCED].map((type) => [UNIX, type, 0] as const),
  ...[IPV4, IPV6].flatMap((family) => [
    [family, STREAM, 0] as const,
    [family, STREAM, TCP] as const,
    [family, DATAGRAM, 0] as const,
    [family, DATAGRAM, UDP] as const,
  ]),
  // The routing protocol (0), which getaddrinfo and os.networkInterfaces use.
  [NETLINK, RAW, 0],
];

const architectures: Readonly<Record<string, string>> = {
  x64: "SCMP_ARCH_X86_64",
  arm64: "SCMP_ARCH_AARCH64",
};

/** The `linux.seccomp` part of a container's configuration (OCI runtime specification). */
export function seccompFilter(arch: string = process.arch): object {
  const architecture = architectures[arch];
  return {
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: EPERM,
    ...(architecture !== undefined && { architectures: [architecture] }),
    syscalls: [
      { names: ALLOWED.trim().split(/\s+/), action: "SCMP_ACT_ALLOW" },
      allow("clone", masked(0, NAMESPACE_FLAGS, 0)),
      allow("fcntl", { index: 1, value: FCNTL_UP_TO, op: "SCMP_CMP_LE" }),
      ...FCNTL_BEYOND.map((command) => allow("fcntl", equal(1, command))),
      ...RLIMITS.flatMap((limit) => [
        allow("setrlimit", equal(0, limit)),
        allow("prlimit64", equal(1, limit)),
      ]),
      // With a null pointer as the new limit it only reads the current one.
      allow("prlimit64", equal(2, 0)),
      { names: UNIMPLEMENTED, action: "SCMP_ACT_ERRNO", errnoRet: ENOSYS },
      ...SOCKETS.map(([family, type, protocol]) =>
        allow("socket", equal(0, family), masked(1, SOCKET_TYPE_MASK, type), equal(2, protocol)),
      ),
      // The kernel creates pairs of Unix sockets only.
      allow("socketpair", equal(0, UNIX)),
    ],
  };
}

const allow = (name: string, ...args: readonly object[]): object => ({
  names: [name],
  action: "SCMP_ACT_ALLOW",
  args,
});

const equal = (index: number, value: number): object => ({ index, value, op: "SCMP_CMP_EQ" });
const masked = (index: number, value: number, valueTwo: number): object => ({
  index,
  value,
  valueTwo,
  op: "SCMP_CMP_MASKED_EQ",
});

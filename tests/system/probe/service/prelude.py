import atexit
import ctypes
import errno
import glob
import json
import os
import platform
import resource
import select
import signal
import socket
import sys

facts = json.loads(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long

# Numbers of system calls: x86_64, aarch64.
NUMBERS = {
    "acct": (163, 89), "add_key": (248, 217), "adjtimex": (159, 171), "bpf": (321, 280),
    "chroot": (161, 51), "clock_settime": (227, 112), "clone": (56, 220), "clone3": (435, 435),
    "delete_module": (176, 106), "fanotify_init": (300, 262), "fcntl": (72, 25), "finit_module": (313, 273), "fsopen": (430, 430),
    "init_module": (175, 105), "inotify_init1": (294, 26), "io_uring_setup": (425, 425), "ioperm": (173, None),
    "iopl": (172, None), "kcmp": (312, 272), "kexec_load": (246, 104), "keyctl": (250, 219),
    "migrate_pages": (256, 238), "mknodat": (259, 33), "mount": (165, 40), "mount_setattr": (442, 442),
    "move_mount": (429, 429), "mq_open": (240, 180), "msgget": (68, 186), "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265), "open_tree": (428, 428), "perf_event_open": (298, 241),
    "personality": (135, 92), "pidfd_getfd": (438, 438), "pidfd_open": (434, 434), "pivot_root": (155, 41),
    "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "prlimit64": (302, 261), "ptrace": (101, 117), "quotactl": (179, 60),
    "reboot": (169, 142), "request_key": (249, 218), "seccomp": (317, 277), "semget": (64, 190),
    "setdomainname": (171, 162), "sethostname": (170, 161), "setns": (308, 268), "setrlimit": (160, 164), "settimeofday": (164, 170),
    "shmget": (29, 194), "swapon": (167, 224), "sync": (162, 81), "syncfs": (306, 267), "syslog": (103, 116),
    "umount2": (166, 39), "unshare": (272, 97), "userfaultfd": (323, 282), "vhangup": (153, 58),
}
MACHINE = 0 if platform.machine() == "x86_64" else 1

said = []


def say(*outcomes):
    """What the attempt came to; what is the same is said once."""
    for outcome in outcomes:
        if str(outcome) not in said:
            said.append(str(outcome))


def call(name, *arguments):
    """Makes a system call: "done", or the name of its error."""
    number = NUMBERS[name][MACHINE]
    if number is None:
        return "EPERM"
    ctypes.set_errno(0)
    values = [ctypes.c_long(it) if isinstance(it, int) else it for it in arguments]
    if libc.syscall(ctypes.c_long(number), *values) != -1:
        return "done"
    return errno.errorcode[ctypes.get_errno()]


def attempt(work):
    """Runs a function: "done", or the name of its error."""
    try:
        work()
        return "done"
    except TimeoutError:
        return "timeout"
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))


def reading(path):
    return attempt(lambda: open(path, "rb").read(1))


def writing(path):
    return attempt(lambda: open(path, "ab").write(b"x") and None)


def connecting(address, port, kind=socket.SOCK_STREAM):
    """Over TCP: "done" when somebody took the connection."""

    def work():
        with socket.socket(socket.AF_INET, kind) as it:
            it.settimeout(0.5)
            it.connect((address, port))

    return attempt(work)


def asking(address, port, question=b"x"):
    """Over UDP: "done" when somebody answered."""

    def work():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as it:
            it.settimeout(0.5)
            it.connect((address, port))
            it.send(question)
            it.recv(512)

    return attempt(work)


def gateway():
    """The host's end of the link, by the table of routes."""
    for line in open("/proc/net/route"):
        words = line.split()
        if words[1] == "00000000":
            return socket.inet_ntoa(bytes.fromhex(words[2])[::-1])


def until_refused(work, most=10_000_000):
    """Does it over and over: the name of the error that ended it, or "no end"."""
    for _ in range(most):
        try:
            work()
        except MemoryError:
            return "ENOMEM"
        except OSError as error:
            return errno.errorcode.get(error.errno, str(error))
    return "no end"


def end_all():
    """Ends every other process of the instance but its first; those that this one started itself leave nothing."""
    os.kill(-1, signal.SIGKILL)
    while attempt(lambda: os.wait()) == "done":
        pass


# What its own processes start becomes its own when they end.
libc.prctl(36, 1, 0, 0, 0)
atexit.register(lambda: print(" ".join(said)))

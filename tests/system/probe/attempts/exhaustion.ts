import type { Attempt } from "../attempt.ts";
import { flowsOutside } from "../flows-outside.ts";

/** Attempts to use up limited resources. The neighbours are called meanwhile, and answer. */
export const exhaustion: readonly Attempt[] = [
  {
    name: "starts processes in an endless loop",
    gain: "no processes left for others",
    answers: { oci: "EAGAIN" },
    python: `
say(until_refused(lambda: os.posix_spawn("/usr/bin/sleep", ["sleep", "60"], {})))
end_all()`,
  },
  {
    name: "starts processes that start processes",
    gain: "no processes left for others, faster",
    answers: { oci: "EAGAIN" },
    python: `
first = os.getpid()
for _ in range(2_000):
    try:
        os.fork()
    except OSError as error:
        if os.getpid() == first:
            say(errno.errorcode[error.errno])
            end_all()
            break`,
  },
  {
    name: "starts threads in an endless loop",
    gain: "no processes left for others",
    answers: { oci: "EAGAIN" },
    python: `
import threading
threading.stack_size(32768)
wait = threading.Event()
def start():
    try:
        threading.Thread(target=wait.wait, daemon=True).start()
    except RuntimeError:
        raise OSError(errno.EAGAIN, "")
say(until_refused(start))
os._exit(print(*said, flush=True) or 0)`,
  },
  {
    name: "allocates memory in an endless loop",
    gain: "the machine's memory",
    answers: { oci: "SIGKILL" },
    python: `
# Of its instance's processes this one is to be ended, so that there is an answer.
open("/proc/self/oom_score_adj", "w").write("1000")
held = []
while True:
    held.append(bytearray(os.urandom(1_000_000)))`,
  },
  {
    name: "fills /tmp and /dev/shm",
    gain: "the machine's memory",
    answers: { oci: "ENOSPC" },
    python: `
for folder in ("/dev/shm", "/tmp"):
    path = os.path.join(folder, "full")
    with open(path, "wb", buffering=0) as file:
        say(until_refused(lambda: file.write(bytes(1_000_000)) or None, 2_000))
    os.remove(path)`,
  },
  {
    name: "fills the memory that it shares with its host",
    gain: "the machine's memory",
    answers: { oci: "instance_failed" },
    script: `
const OUTGOING_FD = 5;
const bytes = Buffer.alloc(1_000_000, 1);
for (let at = 0; at < 8e9; at += bytes.length) require("node:fs").writeSync(OUTGOING_FD, bytes, 0, bytes.length, at);
return "filled";`,
  },
  {
    name: "creates files in /tmp and /dev/shm in an endless loop",
    gain: "the machine's memory",
    answers: { oci: "ENOSPC" },
    python: `
for folder in ("/dev/shm", "/tmp"):
    numbers = iter(range(10_000_000))
    say(until_refused(lambda: os.close(os.open("%s/%d" % (folder, next(numbers)), os.O_CREAT))))
    for name in os.listdir(folder):
        os.remove(os.path.join(folder, name))`,
  },
  {
    name: "fills the service's own folder",
    gain: "the machine's disk",
    answers: { oci: "ENOSPC" },
    python: `
path = os.path.join(os.environ["LEVEROS_DATA_DIR"], "full")
gigabytes = iter(range(20))
with open(path, "wb") as file:
    say(until_refused(lambda: os.posix_fallocate(file.fileno(), next(gigabytes) << 30, 1 << 30), 20))
os.remove(path)`,
  },
  {
    name: "opens files, pipes and sockets in an endless loop",
    gain: "no open files left for others",
    answers: { oci: "EMFILE" },
    python: `
for work in (lambda: os.open("/", os.O_RDONLY), os.pipe, lambda: os.dup(1), lambda: os.eventfd(0), lambda: os.memfd_create("x")):
    say(until_refused(work))
    os.closerange(3, 100_000)`,
  },
  {
    name: "queues signals and creates timers in an endless loop",
    gain: "no timers left for the machine's root, to which all containers count",
    answers: { oci: "EAGAIN bounded" },
    python: `
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGRTMIN})
count = 0
def queue():
    global count
    ctypes.set_errno(0)
    if libc.sigqueue(os.getpid(), signal.SIGRTMIN, None) != 0:
        raise OSError(ctypes.get_errno(), "")
    count += 1
say(until_refused(queue), "bounded" if count <= 256 else count)`,
  },
  {
    name: "keeps as many pipes and epoll watches as it can",
    gain: "none left for other processes of the same user",
    answers: { oci: "EMFILE" },
    python: `
import fcntl
pairs = []
def hold():
    read, write = os.pipe()
    fcntl.fcntl(write, 1031, 1 << 16)
    watch = select.epoll()
    watch.register(read, select.EPOLLIN)
    pairs.append((read, write, watch))
say(until_refused(hold))`,
  },
  {
    name: "fills the buffers of TCP connections to itself",
    gain: "the memory for all TCP of the machine, including the host's",
    answers: { oci: "bounded" },
    python: `
server = socket.socket()
server.bind(("127.0.0.1", 0))
server.listen(1_000)
pairs = []
buffered = 0
def connect():
    global buffered
    one = socket.socket()
    one.settimeout(1)
    one.connect(server.getsockname())
    other, _ = server.accept()
    pairs.append((one, other))
    for side in (one, other):
        side.setblocking(False)
        while attempt(lambda: side.send(bytes(65_536))) == "done":
            buffered += 65_536
            if buffered > 384e6:
                raise OSError(errno.ENOSPC, "")
until_refused(connect, 200)
say("bounded" if buffered < 256e6 else "%d MB" % (buffered / 1e6))`,
  },
  {
    name: "sends to more and more addresses and ports outside",
    gain: "the machine's connection table (conntrack): when it is full, no new connections are possible",
    answers: { oci: "bounded" },
    from: flowsOutside,
  },
  {
    name: "computes in an endless loop",
    gain: "the machine's CPUs",
    answers: { oci: "done" },
    python: `
for _ in range(8):
    if os.fork() == 0:
        signal.alarm(2)
        while True:
            pass
for _ in range(8):
    os.wait()
say("done")`,
  },
  {
    name: "writes to its log in an endless loop",
    gain: "the machine's disk, the host's time",
    answers: { oci: "done, log bounded", process: "done, log bounded" },
    from: async ({ lever, probe }) => {
      const before = lever.output().length;
      const answer = await probe(
        "script",
        `for (let line = 0; line < 20_000; line++) console.log("x".repeat(1_000));\nreturn "done";`,
      );
      const grew = lever.output().length - before;
      return `${answer}, log ${grew < 2_000_000 ? "bounded" : `grew by ${grew} bytes`}`;
    },
  },
];

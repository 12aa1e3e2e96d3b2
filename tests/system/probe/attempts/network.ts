import type { Attempt } from "../attempt.ts";

/** Attempts on other addresses. */
export const network: readonly Attempt[] = [
  {
    name: "connects to the host's port, on loopback",
    gain: "the admin service, as a caller on this machine",
    answers: { oci: "ECONNREFUSED" },
    python: `
say(connecting("127.0.0.1", facts["port"]), connecting("127.0.0.2", facts["port"]))`,
  },
  {
    name: "connects to the host at its end of the network link",
    gain: "the admin service, and everything else that listens on the machine",
    answers: { oci: "timeout" },
    python: `
say(*[connecting(gateway(), it) for it in (facts["port"], 22, 53, 80, 111)])
say(*[asking(gateway(), it) for it in (53, 111, 123)])`,
  },
  {
    name: "connects to other instances, which listen on all their addresses",
    gain: "another tenant's ports",
    answers: { oci: "timeout" },
    python: `
say(*[connecting(it, 4444) for it in facts["neighbours"]])`,
  },
  {
    name: "searches its own address range for listeners",
    gain: "another tenant's ports",
    answers: { oci: "no answer" },
    python: `
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as it:
    it.connect((gateway(), 9))
    own = it.getsockname()[0]
first = int.from_bytes(socket.inet_aton(own), "big") & 0xFFFFF000
waiting = {}
for number in range(1, 120):
    address = socket.inet_ntoa((first + number).to_bytes(4, "big"))
    if address == own:
        continue
    it = socket.socket()
    it.setblocking(False)
    it.connect_ex((address, 4444))
    waiting[it] = address
_, ready, _ = select.select([], list(waiting), [], 1)
say(*[waiting[it] for it in ready] or ["no answer"])`,
  },
  {
    name: "connects to the cloud's metadata service, and to private networks",
    gain: "the machine's own credentials, and its neighbours",
    answers: { oci: "timeout" },
    python: `
for address in ("169.254.169.254", "100.100.100.200", "168.63.129.16", "10.0.0.1", "172.17.0.1", "192.168.0.1", "192.168.1.1"):
    say(connecting(address, 80))`,
  },
  {
    name: "connects to other ports of the machine's name servers",
    gain: "another way into the private network",
    answers: { oci: "timeout" },
    python: `
servers = [it.split()[1] for it in open("/etc/resolv.conf") if it.startswith("nameserver")]
for server in servers or ["10.0.0.2"]:
    say(connecting(server, 80), connecting(server, 22), asking(server, 123))`,
  },
  {
    name: "sends with a forged source address",
    gain: "a way around the host's filter, and answers in the name of others",
    answers: { oci: "EINVAL ENETUNREACH EPERM" },
    python: `
def spoofing(source, option=None):
    def work():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as it:
            if option is not None:
                it.setsockopt(socket.IPPROTO_IP, option, 1)
            it.bind((source, 0))
            it.sendto(b"x", (gateway(), 53))
    return attempt(work)
FREEBIND, TRANSPARENT = 15, 19
say(spoofing("127.0.0.1"), spoofing("198.51.100.7", FREEBIND), spoofing("198.51.100.7", TRANSPARENT))`,
  },
  {
    name: "opens raw and packet sockets, and sockets of rare families",
    gain: "forged packets, and a larger attack surface of the kernel",
    answers: { oci: "EPERM" },
    python: `
# Families: key, packet, can, tipc, bluetooth, alg, nfc, vsock, kcm, qipcrtr, smc, xdp.
for family, kind, protocol in [(2, 3, 1), (2, 3, 255), (10, 3, 58), (17, 3, 768), (17, 2, 768), (2, 2, 1), (10, 2, 58),
    (2, 1, 132), (2, 5, 132), (2, 1, 256), (2, 1, 262), (2, 6, 33), (2, 2, 136), (10, 5, 132)] + [
    (it, kind, 0) for it in (15, 29, 30, 31, 38, 39, 40, 41, 42, 43, 44) for kind in (1, 2, 3, 5)]:
    say(attempt(lambda: socket.socket(family, kind, protocol).close()))`,
  },
  {
    name: "configures the kernel's network through netlink and ioctl",
    gain: "other routes, addresses and rules",
    answers: { oci: "EPERM" },
    python: `
import fcntl, struct
for protocol in (4, 6, 9, 10, 12, 15, 16, 20, 21):
    say(attempt(lambda: socket.socket(16, 3, protocol).close()))
def route(kind, body):
    it = socket.socket(16, 3, 0)
    it.settimeout(1)
    it.send(struct.pack("=IHHII", 16 + len(body), kind, 0x405, 1, 0) + body)
    return errno.errorcode[-struct.unpack_from("=i", it.recv(4096), 16)[0]]
say(route(24, struct.pack("=BBBBBBBBI", 2, 0, 0, 0, 254, 3, 0, 1, 0)), route(20, struct.pack("=BBBBI", 2, 24, 0, 0, 1)),
    route(16, struct.pack("=BBHiII", 0, 0, 0, 1, 0, 0)))
with socket.socket() as it:
    request = b"eth0".ljust(16, b"\\0") + b"\\0" * 24
    say(*[attempt(lambda: fcntl.ioctl(it, code, request)) for code in (0x8914, 0x8916, 0x8924)])`,
  },
  {
    name: "uses IPv6, for which the host's filter has no rules",
    gain: "the host and neighbours, at link-local addresses",
    answers: { oci: "EADDRNOTAVAIL ENETUNREACH" },
    python: `
def six(address, scope=0):
    def work():
        with socket.socket(socket.AF_INET6) as it:
            it.settimeout(0.5)
            it.connect((address, facts["port"], 0, scope))
    return attempt(work)
say(six("::1"), six("fe80::1", socket.if_nametoindex("eth0")), six("ff02::1", socket.if_nametoindex("eth0")), six("2001:db8::1"))`,
  },
  {
    name: "connects to abstract Unix sockets of the host",
    gain: "the machine's services that trust every local connection",
    answers: { oci: "ECONNREFUSED" },
    python: `
def named():
    with socket.socket(socket.AF_UNIX) as it:
        it.connect("\\0" + facts["abstractName"])
say(attempt(named))`,
  },
];

import { execFile } from "node:child_process";

/** A socket that listens for TCP connections. */
export interface ListeningSocket {
  /** As in URLs: IPv6 in brackets. */
  readonly address: string;
  readonly port: number;
}

/** The open files of a process and of all that it has started, then the TCP sockets of the machine or container. */
const SCRIPT = `
tree() { echo "$1"; for child in $(cat /proc/"$1"/task/*/children); do tree "$child"; done; }
for pid in $(tree "$1"); do ls -l /proc/"$pid"/fd; done
cat /proc/net/tcp /proc/net/tcp6
`;
const TIMEOUT_MS = 5_000;
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;
const SHOWN_MAX = 10;

/**
 * The sockets on which a process, or one that it has started, listens; at most ten, and none where /proc does not show
 * them. Node's permissions may keep this process from reading /proc, and do not apply to programs that it starts.
 */
export function listeningSockets(pid: number): Promise<readonly ListeningSocket[]> {
  return new Promise((resolve) => {
    const options = {
      timeout: TIMEOUT_MS,
      maxBuffer: OUTPUT_BYTES_MAX,
      encoding: "latin1",
    } as const;
    // Its exit status says nothing: processes end meanwhile.
    execFile("/bin/sh", ["-c", SCRIPT, "sh", String(pid)], options, (_error, output) =>
      resolve(parseSockets(output)),
    );
  });
}

/** Reads the output of the script: the sockets of `/proc/net/tcp` and `tcp6` that listen, and are among the open files. */
export function parseSockets(output: string): readonly ListeningSocket[] {
  const opened = new Set(
    Array.from(output.matchAll(/ -> socket:\[(\d+)\]$/gm), ([, inode]) => inode),
  );
  const found: ListeningSocket[] = [];
  // The columns: number, local address, remote address, state (0A = LISTEN), …, inode (proc_net_tcp.txt of the kernel).
  const line = /^ *\d+: ([0-9A-F]+):([0-9A-F]{4}) \S+ 0A(?: +\S+){5} +(\d+)/gm;
  for (const [, address = "", port = "", inode] of output.matchAll(line)) {
    if (!opened.has(inode) || found.length === SHOWN_MAX) continue;
    found.push({ address: formatAddress(address), port: Number.parseInt(port, 16) });
  }
  return found;
}

/** An address as the kernel prints it: hexadecimal words of 32 bits, each in the byte order of a little-endian machine. */
function formatAddress(hex: string): string {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) =>
    [...Buffer.from(word, "hex")].reverse(),
  );
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from({ length: 8 }, (_, index) =>
    (((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0)).toString(16),
  );
  return `[${groups.join(":").replace(/(?:^|:)0(?::0)+(?::|$)/, "::")}]`;
}

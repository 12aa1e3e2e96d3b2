import { readFile } from "node:fs/promises";
import { type Socket, SocketAddress } from "node:net";
import type { Clock } from "../clock.ts";

/** The kernel's tables of TCP connections (proc_pid_net(5)). */
const TABLES = ["/proc/self/net/tcp", "/proc/self/net/tcp6"];
/** In these tables: the connection waits for an acknowledgement. */
const RETRANSMITTING = "01";

interface LostPeersOptions {
  /** Every open connection. */
  readonly connections: Iterable<Socket>;
  readonly clock: Clock;
  readonly pingIntervalMs: number;
}

/**
 * Closes connections whose peer has acknowledged nothing of what was sent between two checks. Keepalive finds a peer that is
 * gone only while nothing waits for its acknowledgement; otherwise Linux gives up after 15 minutes (tcp_retries2).
 */
export class LostPeers {
  readonly #options: LostPeersOptions;
  /** Retransmissions of each connection at the last check, by the address of its peer. */
  #last: ReadonlyMap<string, number> = new Map();
  #timer: unknown;
  #isClosed = false;

  constructor(options: LostPeersOptions) {
    this.#options = options;
    this.#checkLater();
  }

  close(): void {
    this.#isClosed = true;
    this.#options.clock.clearTimeout(this.#timer);
  }

  #checkLater(): void {
    const { clock, pingIntervalMs } = this.#options;
    this.#timer = clock.setTimeout(() => void this.#check(), pingIntervalMs);
  }

  async #check(): Promise<void> {
    const { connections } = this.#options;
    const [first] = connections;
    const tables = first?.localPort === undefined ? [] : await Promise.all(TABLES.map(readTable));
    const port = first?.localPort ?? 0;
    const now = new Map(tables.flatMap((table) => [...retransmissions(table, port)]));
    for (const socket of now.size > 0 ? connections : []) {
      const peer = `${socket.remoteAddress}:${socket.remotePort}`;
      // An acknowledgement sets the number to 0.
      const before = this.#last.get(peer);
      if (before !== undefined && (now.get(peer) ?? 0) > before) socket.destroy();
    }
    this.#last = now;
    if (!this.#isClosed) this.#checkLater();
  }
}

async function readTable(file: string): Promise<string> {
  // Only Linux has them, and tcp6 only with IPv6.
  return await readFile(file, "latin1").catch(() => "");
}

/** The connections of a local port that repeat what their peer does not acknowledge: address and port of the peer, and how often. */
export function* retransmissions(
  table: string,
  localPort: number,
): Generator<readonly [peer: string, count: number]> {
  const port = `:${hex(localPort)}`;
  for (const line of table.split("\n")) {
    const [, local = "", remote = "", , , timer = "", count = ""] = line.trim().split(/ +/);
    if (!local.endsWith(port) || !timer.startsWith(`${RETRANSMITTING}:`)) continue;
    const [address = "", remotePort = ""] = remote.split(":");
    const repeated = Number.parseInt(count, 16);
    if (repeated > 0) yield [`${addressOf(address)}:${Number.parseInt(remotePort, 16)}`, repeated];
  }
}

const hex = (port: number): string => port.toString(16).toUpperCase().padStart(4, "0");

/** The table has addresses as words of the machine's byte order: little-endian on all machines that Lever runs on. */
function addressOf(words: string): string {
  const bytes = Buffer.from(words, "hex").swap32();
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16));
  return new SocketAddress({ family: "ipv6", address: groups.join(":") }).address;
}

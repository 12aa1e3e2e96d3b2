import { readFile } from "node:fs/promises";
import type { Clock } from "../../clock.ts";
import type { Log } from "../../logs/log.ts";
import type { InstanceNames } from "../launcher.ts";

/** How often Lever looks for new packets that the rules dropped, while instances run in containers. */
const CHECK_EVERY_MS = 5_000;
/** An instance causes at most one event in this time. The kernel keeps what it dropped for a minute. */
const EVENT_GAP_MS = 30_000;
/** Destinations in one event. */
const DESTINATIONS_MAX = 20;
/** Destinations of one instance that are not reported again. With more, all of them are forgotten. */
const REPORTED_MAX = 1_000;
/** Connections that were blocked just before the end of their instance are reported, too. */
const KEPT_AFTER_END_MS = 2 * CHECK_EVERY_MS;

/** The first packet of a connection that the rules dropped. */
interface Blocked {
  readonly source: string;
  /** `tcp 192.0.2.7:5432` */
  readonly destination: string;
}

interface Source {
  readonly names: InstanceNames;
  readonly reported: Set<string>;
  eventAt: number;
  endedAt: number | undefined;
}

interface Options {
  readonly clock: Clock;
  readonly log: Log;
  /** Returns what the rules have dropped in the last minute: nft's list of the set, as JSON. */
  readonly list: () => Promise<string>;
  /** Returns a number that changes when a container has sent packets. */
  readonly packetsSent?: () => Promise<number>;
}

/** Logs an event for what an instance tried to reach and may not. */
export class BlockedConnections {
  readonly #options: Options;
  /** By address. */
  readonly #sources = new Map<string, Source>();
  #timer: unknown;
  #packetsSent = -1;
  #isClosed = false;

  constructor(options: Options) {
    this.#options = options;
  }

  /** The address belongs to this instance from now on. */
  add(address: string, names: InstanceNames): void {
    const eventAt = Number.NEGATIVE_INFINITY;
    this.#sources.set(address, { names, reported: new Set(), eventAt, endedAt: undefined });
    this.#schedule();
  }

  /** The instance has ended. */
  remove(address: string): void {
    const source = this.#sources.get(address);
    if (source !== undefined) source.endedAt ??= this.#options.clock.now();
  }

  close(): void {
    this.#isClosed = true;
    this.#options.clock.clearTimeout(this.#timer);
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#isClosed || this.#sources.size === 0) return;
    const { clock } = this.#options;
    this.#timer = clock.setTimeout(async () => {
      // A failed check is made again with the next one.
      await this.#check().catch(() => {});
      this.#timer = undefined;
      this.#schedule();
    }, CHECK_EVERY_MS);
  }

  async #check(): Promise<void> {
    const { clock, list, packetsSent = readPacketsSent } = this.#options;
    const sent = await packetsSent();
    // Idle instances send nothing, and to run nft costs some milliseconds.
    if (sent !== this.#packetsSent) {
      const isComplete = this.#report(parseBlocked(await list()));
      if (isComplete) this.#packetsSent = sent;
    }
    for (const [address, { endedAt }] of this.#sources) {
      if (endedAt !== undefined && clock.now() - endedAt > KEPT_AFTER_END_MS) {
        this.#sources.delete(address);
      }
    }
  }

  /** Returns false when an instance has to wait for its next event. */
  #report(blocked: readonly Blocked[]): boolean {
    const { clock, log } = this.#options;
    let isComplete = true;
    for (const [address, of] of Map.groupBy(blocked, ({ source }) => source)) {
      const source = this.#sources.get(address);
      if (source === undefined) continue;
      const found = of.map(({ destination }) => destination);
      const fresh = found.filter((destination) => !source.reported.has(destination));
      if (fresh.length === 0) continue;
      if (clock.now() - source.eventAt < EVENT_GAP_MS) {
        isComplete = false;
        continue;
      }
      if (source.reported.size + fresh.length > REPORTED_MAX) source.reported.clear();
      for (const destination of fresh) source.reported.add(destination);
      source.eventAt = clock.now();
      const destinations = fresh.slice(0, DESTINATIONS_MAX);
      const more = fresh.length - destinations.length;
      log("warn", "launcher", "connections blocked", {
        ...source.names,
        destinations,
        ...(more > 0 && { more }),
      });
    }
    return isComplete;
  }
}

/** Reads the elements of the set in the output of `nft -j list set`. Elements of another form are left out. */
export function parseBlocked(json: string): readonly Blocked[] {
  const values = [...json.matchAll(/"concat": (\[[^\]]*\])/g)].map(([, list = ""]) => list);
  return values.flatMap((list) => {
    const value: unknown = JSON.parse(list);
    if (!Array.isArray(value) || value.length !== 4) return [];
    const [source, address, protocol, port]: unknown[] = value;
    return [{ source: String(source), destination: `${protocol} ${address}:${port}` }];
  });
}

/** Packets that arrived from containers: at the host's ends of their links (proc_net_dev(5)). */
async function readPacketsSent(): Promise<number> {
  let packets = 0;
  for (const line of (await readFile("/proc/net/dev", "utf8")).split("\n")) {
    const [name = "", , received = "0"] = line.trim().split(/\s+/);
    if (name.startsWith("veth")) packets += Number(received);
  }
  return packets;
}

// One file, although long: the table of hosts, the links to them and what is told over these change together.

import type { TLSSocket } from "node:tls";
import {
  type CallListener,
  type CallRequest,
  closedSide,
  type Declined,
  LeverError,
  type Limits,
  type LinkedSide,
} from "@leveros/protocol";
import type { Clock } from "../clock.ts";
import { Emitter } from "../emitter.ts";
import type { Log } from "../logs/log.ts";
import { HealthTicker } from "../processes/process-health.ts";
import type { RoutedRequest } from "../router/chain-link.ts";
import { type ForwardOptions, forwardCall } from "../router/forward-call.ts";
import type { ServiceName } from "./owner-hints.ts";
import { parentOnOtherHost } from "./parent-on-other-host.ts";
import { Peer, type PeerRow } from "./peer.ts";
import type { PeerCertificate } from "./peer-certificate.ts";
import { PEER_CHECK_MS, PeerLink } from "./peer-link.ts";
import type { PeerMessage, ToldPlaces, ToldRoom, ToldWanted } from "./peer-messages.ts";
import { dialPeer, listenForPeers, type PeerListener } from "./peer-sockets.ts";
import {
  PlacesTeller,
  TELL_EVERY_MS,
  type TellingFleet,
  type TellingRouter,
} from "./places-teller.ts";
import { Preparations } from "./preparations.ts";

const DIAL_TIMEOUT_MS = 2_000;
const REDIAL_FIRST_MS = 50;
const REDIAL_MAX_MS = 2_000;
/** Services in one message. */
const TOLD_AT_ONCE = 500;

export interface PeersOptions {
  /** The id of this host. */
  readonly self: string;
  readonly certificate: PeerCertificate;
  /** The address to listen on. */
  readonly bind: string;
  /** 0 = any free port. */
  readonly port: number;
  readonly limits: Pick<Limits, "bodyBytesMax">;
  readonly clock: Clock;
  readonly log: Log;
}

/** The router, as it gets calls of other hosts. */
export type PeersRouter = ForwardOptions["target"] & TellingRouter;

/** A call of this host that another host has declined. */
export interface DeclinedCall {
  readonly peer: Peer;
  readonly call: CallListener;
  readonly declined: Declined;
}

/**
 * The other hosts of the cluster, with one link to each. The host with the lower id dials. Both show certificates, which must
 * be those in the table of hosts.
 */
export class Peers {
  /** The other hosts. */
  list: readonly Peer[] = [];
  /** Emitted before the call is decided again. */
  readonly declined: Emitter<DeclinedCall> = new Emitter();
  /** A service has a free place on another host. */
  readonly freed: Emitter<ServiceName> = new Emitter();
  /** A host answers, or takes new work, for the first time or again. */
  readonly up: Emitter<Peer> = new Emitter();
  /** Home hosts want other numbers of instances here. */
  readonly wanted: Emitter<ToldWanted> = new Emitter();
  /** Starts an instance of a version that another host is about to make live. */
  prepareVersion: (version: object) => Promise<void> = async () => {};
  readonly #preparations = new Preparations();
  readonly #options: PeersOptions;
  readonly #listener: PeerListener;
  #router: PeersRouter | undefined;
  #teller: PlacesTeller | undefined;
  /** False = this host wants no new work of other hosts. */
  #isTaking = false;
  readonly #ticker: HealthTicker;
  #tellTimer: unknown;
  readonly #closing = new AbortController();
  #lastRefusal = "";

  /** Listens for other hosts. None is known before the first `see`. @throws Error of the system when the port cannot be used. */
  static async open(options: PeersOptions): Promise<Peers> {
    // Connections that come before it exists are closed, and come again.
    const late: { peers?: Peers } = {};
    const listener = await listenForPeers({
      ...options,
      onConnected(socket, fingerprint) {
        if (late.peers === undefined) socket.destroy();
        else late.peers.#accept(socket, fingerprint);
      },
      onRefused(reason, address) {
        if (late.peers !== undefined) late.peers.#refused(reason, address);
      },
    });
    late.peers = new Peers(options, listener);
    return late.peers;
  }

  private constructor(options: PeersOptions, listener: PeerListener) {
    this.#options = options;
    this.#listener = listener;
    this.#ticker = new HealthTicker(options.clock, PEER_CHECK_MS, (hostStallMs) => {
      for (const { link } of this.list) link?.check(hostStallMs);
    });
  }

  get port(): number {
    return this.#listener.port;
  }

  /** Passes the calls of other hosts to this router, and tells them of its free places and of the load of the fleet. */
  start(router: PeersRouter, fleet?: TellingFleet): void {
    this.#router = router;
    this.#teller = new PlacesTeller(router, this.#options.clock, fleet);
    this.#tellRegularly();
  }

  /** The table of hosts has been read. Hosts that are not in it lose their link. */
  see(rows: readonly PeerRow[]): void {
    const { self } = this.#options;
    if (this.#closing.signal.aborted) return;
    const known = new Map(this.list.map((peer) => [peer.row.id, peer]));
    const list: Peer[] = [];
    const toDial: Peer[] = [];
    for (const row of rows) {
      if (row.id === self) continue;
      const peer = known.get(row.id) ?? new Peer(row, (service) => this.freed.emit(service));
      if (row.fingerprint !== peer.row.fingerprint) peer.link?.close("it has another certificate");
      const isNew = !known.delete(row.id);
      peer.row = row;
      list.push(peer);
      if (isNew && self < row.id) toDial.push(peer);
    }
    this.list = list;
    for (const peer of toDial) void this.#keepDialling(peer);
    for (const gone of known.values()) gone.link?.close("it has left the cluster");
  }

  peer(id: string): Peer | undefined {
    return this.list.find(({ row }) => row.id === id);
  }

  /** Tells the other hosts whether to pass new work on to this one. The calls of its resources still come. */
  take(isTaking: boolean): void {
    this.#isTaking = isTaking;
    // Before any call of theirs is declined.
    for (const { link } of this.list) {
      if (link?.isLinked === true) link.send({ type: "taking", isTaking });
    }
    this.#tell();
  }

  /**
   * Resolves when the hosts that run a service have an instance of a version that goes live next, or cannot, or after
   * `timeoutMs`. `key`: as `serviceKey` names it.
   */
  async prepare(key: string, version: object, timeoutMs: number): Promise<void> {
    const { clock } = this.#options;
    const running = this.list.filter((peer) => peer.placesOf(key) !== undefined);
    await this.#preparations.ask(running, version, { clock, timeoutMs });
  }

  /** Ends all links. */
  close(): void {
    this.#closing.abort();
    this.#ticker.stop();
    this.#options.clock.clearTimeout(this.#tellTimer);
    this.#listener.close();
    for (const { link } of this.list) link?.close("this host is stopping");
  }

  async #keepDialling(peer: Peer): Promise<void> {
    const { certificate, log } = this.#options;
    const { signal } = this.#closing;
    const timeoutMs = DIAL_TIMEOUT_MS;
    let reported = "";
    for (let failures = 0; this.#isWanted(peer); ) {
      try {
        const socket = await dialPeer(peer.row, { certificate, timeoutMs, signal });
        if (!this.#isWanted(peer)) {
          socket.destroy();
          return;
        }
        if (!(await this.#attach(peer, socket, true))) throw refusedBy(peer);
        failures = 0;
        reported = "";
      } catch (error) {
        failures++;
        const reason = error instanceof LeverError ? error.message : String(error);
        if (reason !== reported && this.#isWanted(peer)) {
          log("warn", "peers", "peer unreachable", { peer: peer.name, reason });
        }
        reported = reason;
      }
      await this.#pause(Math.min(REDIAL_MAX_MS, REDIAL_FIRST_MS * 2 ** Math.min(failures, 10)));
    }
  }

  #isWanted(peer: Peer): boolean {
    return !this.#closing.signal.aborted && this.list.includes(peer);
  }

  #accept(socket: TLSSocket, fingerprint: string): void {
    const peer = this.list.find(({ row }) => row.fingerprint === fingerprint);
    if (peer === undefined || this.#closing.signal.aborted) {
      this.#refused("its certificate is not one of a host of this cluster", socket.remoteAddress);
      socket.destroy();
      return;
    }
    void this.#attach(peer, socket, false);
  }

  #refused(reason: string, address: string | undefined): void {
    // A process that tries again and again is reported once.
    const refusal = `${address} ${reason}`;
    if (refusal === this.#lastRefusal) return;
    this.#lastRefusal = refusal;
    this.#options.log("warn", "peers", "peer refused", { address, reason });
  }

  /** Resolves when the link is closed. False = the other host has not taken it. */
  async #attach(peer: Peer, socket: TLSSocket, isDialler: boolean): Promise<boolean> {
    const { limits, clock, log } = this.#options;
    peer.link?.close("the host has connected again");
    return await new Promise<boolean>((resolve) => {
      const link: PeerLink = new PeerLink({
        socket,
        isDialler,
        name: peer.name,
        limits,
        clock,
        onCall: (request, side) => this.#receive(link, request, side),
        onMessage: (message, listenerOf) => this.#onMessage(peer, message, listenerOf),
        onLinked: () => {
          log("info", "peers", "peer linked", { peer: peer.name });
          link.send({ type: "taking", isTaking: this.#isTaking });
          sendPlaces(link, this.#teller?.told ?? [], this.#teller?.room);
          this.up.emit(peer);
        },
        onResponsive: (isResponsive) => {
          if (isResponsive) log("info", "peers", "peer recovered", { peer: peer.name });
          else log("warn", "peers", "peer unresponsive", { peer: peer.name });
          if (isResponsive) this.up.emit(peer);
        },
        onClosed: (reason) => {
          if (peer.link === link) peer.link = undefined;
          this.#preparations.lost(peer);
          if (link.isLinked && !this.#closing.signal.aborted) {
            log("warn", "peers", "peer unlinked", { peer: peer.name, reason });
          }
          resolve(link.isLinked);
        },
      });
      peer.link = link;
    });
  }

  #receive(link: PeerLink, request: CallRequest, side: LinkedSide): CallListener {
    const { log } = this.#options;
    if (request.passedOn === undefined) {
      throw new Error("Cannot take the call of a host: it does not say how it was passed on.");
    }
    const routed: RoutedRequest = { ...request, parentCall: parentOnOtherHost(request) };
    return forwardCall(routed, side, {
      isTrusted: true,
      log,
      onDeclined(declinedSide, declined) {
        link.send({ type: "declined", call: declinedSide.id, declined });
        declinedSide.abort(new LeverError("unavailable", "This host has declined the call."));
      },
      target: {
        open: (passed, listener, hasMore) => {
          if (this.#router !== undefined) return this.#router.open(passed, listener, hasMore);
          listener.onDeclined?.({ reason: "busy" });
          return closedSide;
        },
      },
    });
  }

  #onMessage(
    peer: Peer,
    message: PeerMessage,
    listenerOf: (call: number) => CallListener | undefined,
  ): void {
    switch (message.type) {
      case "places":
        for (const told of message.services) peer.told(told, this.#options.clock.now());
        if (message.room !== undefined) peer.room = message.room;
        for (const wanted of message.wanted ?? []) this.wanted.emit(wanted);
        return;
      case "taking":
        peer.isTaking = message.isTaking;
        // Calls may wait for a host that takes them.
        if (peer.isTaking) this.up.emit(peer);
        return;
      case "prepare":
        void this.#prepare(peer, message);
        return;
      case "prepared":
        this.#preparations.answered(peer, message.number);
        return;
      case "declined": {
        const call = listenerOf(message.call);
        if (call === undefined) return;
        const { declined } = message;
        this.declined.emit({ peer, call, declined });
        call.onDeclined?.(declined);
      }
    }
  }

  async #prepare(
    peer: Peer,
    { number, version }: { readonly number: number; readonly version: object },
  ): Promise<void> {
    // The first call starts an instance, then, and gets the reason why it cannot.
    await this.prepareVersion(version).catch(() => {});
    peer.link?.send({ type: "prepared", number });
  }

  #tellRegularly(): void {
    this.#tell();
    this.#tellTimer = this.#options.clock.setTimeout(() => this.#tellRegularly(), TELL_EVERY_MS);
  }

  #tell(): void {
    const changes = this.#teller?.changes(this.#isTaking) ?? [];
    const room = this.#teller?.roomChange();
    if (changes.length === 0 && room === undefined) return;
    // A new link gets everything.
    for (const { link } of this.list) if (link?.isLinked === true) sendPlaces(link, changes, room);
  }

  async #pause(ms: number): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#closing;
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      const onAbort = (): void => {
        clock.clearTimeout(timer);
        resolve();
      };
      const timer = clock.setTimeout(() => {
        signal.removeEventListener("abort", onAbort);
        resolve();
      }, ms);
      signal.addEventListener("abort", onAbort);
    });
  }
}

function refusedBy({ row: { address } }: Peer): LeverError {
  return new LeverError(
    "unreachable",
    `Cannot use the connection to the host at ${address}: it closes the connection. It may not have this host in its table yet.`,
  );
}

function sendPlaces(
  link: PeerLink,
  services: readonly ToldPlaces[],
  room: ToldRoom | undefined,
): void {
  if (room !== undefined) link.send({ type: "places", services: [], room });
  for (let at = 0; at < services.length; at += TOLD_AT_ONCE) {
    link.send({ type: "places", services: services.slice(at, at + TOLD_AT_ONCE) });
  }
}

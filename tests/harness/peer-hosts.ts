import { join } from "node:path";
import {
  type Clock,
  ClusterHosts,
  openPeerCertificate,
  type PeerCertificate,
  Peers,
  ResourceOwners,
  type ResourceRight,
  Router,
  type ServiceRoute,
  systemClock,
} from "@leveros/host/parts";
import {
  type CallHandle,
  type CallListener,
  type CallRequest,
  closedSide,
  defaultLimits,
  ignoredEvents,
  type LeverError,
  type LinkedSide,
  memoryLink,
  OUTSIDE,
  PAYLOAD_JSON,
} from "@leveros/protocol";
import { eventually } from "./eventually.ts";
import type { TemporaryFolder } from "./temporary-folder.ts";
import { VirtualClock } from "./virtual-clock.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const HOOKS = new Set(["newResource", "closeResource"]);

export const json = (value: unknown): Uint8Array => encoder.encode(JSON.stringify(value));
const access = { corsOrigins: new Set<string>(), kind: "services", isPublic: false } as const;
const methods = ["method", "talkChan"];

interface HostRow {
  readonly id: string;
  readonly name: string;
  readonly incarnation: number;
  readonly address: string;
  readonly fingerprint: string;
  readonly state: "active" | "fenced";
  readonly renewal: number;
  readonly renewedAgoMs: number;
}

interface OwnerRow {
  readonly place: {
    readonly environment: string;
    readonly service: string;
    readonly resource: string;
  };
  readonly host: string;
  readonly incarnation: number;
  readonly epoch: number;
  isReleased: boolean;
}

type RoutedRequest = Parameters<Router["open"]>[0];
type InstanceTarget = Parameters<ServiceRoute["add"]>[0];

type ServeCall = (request: CallRequest, side: LinkedSide) => CallListener;

/** The database and the hosts of a cluster, in one process. Links between the hosts are real. */
export class PeerCluster implements AsyncDisposable {
  readonly hosts: PeerHost[] = [];
  readonly rows: HostRow[] = [];
  readonly owners = new Map<string, OwnerRow>();
  /** What was asked of the database. */
  readonly asked: string[] = [];
  isDatabaseDown = false;
  /** Claims are carried out, and their answers do not arrive. */
  losesAnswers = false;
  readonly #folder: TemporaryFolder;
  #epoch = 0;

  constructor(folder: TemporaryFolder) {
    this.#folder = folder;
  }

  /** Starts a host. Every host knows every other one when this resolves. */
  async add(
    name: string,
    options: { clock?: Clock; isKnown?: boolean; callDepthMax?: number } = {},
  ): Promise<PeerHost> {
    const certificate = openPeerCertificate(join(this.#folder.path, `${name}.pem`));
    const host = await PeerHost.start(name, { cluster: this, certificate, ...options });
    this.hosts.push(host);
    const address = `127.0.0.1:${host.peers.port}`;
    const { fingerprint } = certificate;
    const facts = { incarnation: 1, state: "active", renewal: 1, renewedAgoMs: 0 } as const;
    if (options.isKnown !== false)
      this.rows.push({ id: name, name, address, fingerprint, ...facts });
    this.see();
    return host;
  }

  /** Each host reads the table of hosts. */
  see(): void {
    for (const { peers, others } of this.hosts) {
      peers.see(this.rows);
      others.retryParked();
    }
  }

  /** The host is fenced, as after its death. */
  fence(id: string): void {
    this.#change(id, { state: "fenced" });
  }

  /** The host has not renewed its lease for so long that it owns nothing any more. */
  silence(id: string): void {
    this.#change(id, { renewedAgoMs: 9_000 });
  }

  #change(id: string, changes: Partial<HostRow>): void {
    const at = this.rows.findIndex((row) => row.id === id);
    const row = this.rows[at];
    if (row !== undefined) this.rows[at] = { ...row, ...changes };
    this.see();
  }

  async claim(
    place: OwnerRow["place"],
    { host, incarnation }: { host: string; incarnation: number },
  ): Promise<
    | { kind: "claimed"; epoch: number }
    | { kind: "owned"; host: string; incarnation: number; epoch: number }
  > {
    this.#ask(`claim ${place.resource} ${host}`);
    const row = this.owners.get(place.resource);
    const isActive = this.rows.some(({ id, state }) => id === row?.host && state === "active");
    if (row !== undefined && !row.isReleased && isActive && row.host !== host) {
      return { kind: "owned", host: row.host, incarnation: row.incarnation, epoch: row.epoch };
    }
    const epoch = ++this.#epoch;
    this.owners.set(place.resource, { place, host, incarnation, epoch, isReleased: false });
    if (this.losesAnswers) throw new Error("The answer is lost.");
    return { kind: "claimed", epoch };
  }

  async release(
    { resource }: OwnerRow["place"],
    { host, epoch }: { host: string; epoch: number },
  ): Promise<boolean> {
    this.#ask(`release ${resource} ${host}`);
    const row = this.owners.get(resource);
    if (row === undefined || row.host !== host || row.epoch !== epoch) return false;
    row.isReleased = true;
    return true;
  }

  async owned({ host }: { host: string }): Promise<(OwnerRow["place"] & { epoch: number })[]> {
    const rows = [...this.owners.values()].filter((row) => row.host === host && !row.isReleased);
    return rows.map(({ place, epoch }) => ({ ...place, epoch }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { peers } of this.hosts) peers.close();
    await this.#folder[Symbol.asyncDispose]();
  }

  #ask(question: string): void {
    if (this.isDatabaseDown) throw new Error("The database does not answer.");
    this.asked.push(question);
  }
}

interface PeerHostOptions {
  readonly cluster: PeerCluster;
  readonly certificate: PeerCertificate;
  readonly clock?: Clock;
  readonly callDepthMax?: number;
}

/** One host: its router, and its links to the others. */
export class PeerHost {
  readonly name: string;
  readonly peers: Peers;
  readonly others: ClusterHosts;
  readonly owners: ResourceOwners;
  readonly router: Router;
  readonly route: ServiceRoute;
  right: ResourceRight = "own";
  /** Events of the log. */
  readonly events: string[];
  readonly instances: InstanceTarget[] = [];
  /** By it, calls wait for owners that cannot be reached. */
  readonly waits: VirtualClock = new VirtualClock();
  /** Routes that had no instance for a call. */
  demands = 0;

  static async start(name: string, options: PeerHostOptions): Promise<PeerHost> {
    const { certificate, clock = systemClock } = options;
    const events: string[] = [];
    const peers = await Peers.open({
      self: name,
      certificate,
      bind: "127.0.0.1",
      port: 0,
      limits: defaultLimits,
      clock,
      log: (_level, _part, event, fields) => events.push(`${event} ${JSON.stringify(fields)}`),
    });
    return new PeerHost(name, peers, events, options);
  }

  private constructor(
    name: string,
    peers: Peers,
    events: string[],
    { cluster, clock = systemClock, callDepthMax = defaultLimits.callDepthMax }: PeerHostOptions,
  ) {
    this.name = name;
    this.peers = peers;
    this.events = events;
    const moment = { bootMs: 0, monotonicMs: 0 };
    const member = {
      id: name,
      incarnation: 1,
      lease: { incarnation: 1, sentAt: moment },
      hosts: cluster.rows,
      right: () => this.right,
      now: () => moment,
    };
    this.owners = new ResourceOwners(member, cluster);
    this.others = new ClusterHosts({
      peers,
      member,
      owners: this.owners,
      keeper: { add: () => undefined, remove() {} },
      routeOf: ({ environment, service }) =>
        this.router.environment(environment)?.services.get(service),
      random: Math.random,
      clock: this.waits,
    });
    this.router = new Router({
      limits: { ...defaultLimits, callDepthMax },
      clock,
      nextEpoch: () => 0,
      others: this.others,
    });
    this.router.setEnvironment("dev.lever", access);
    this.route = this.router.setService("dev.lever", "svc", {
      version: 1,
      isPrivate: false,
      methods,
    });
    this.router.demanded.add(() => this.demands++);
    peers.start(this.router);
    peers.take(true);
  }

  /** As a host that an operator drains. */
  drain(): void {
    this.owners.isDraining = true;
    this.peers.take(false);
    for (const instance of this.instances) this.route.drain(instance);
    this.route.passOn();
  }

  /** An instance of `svc` that serves calls in this way, with so many places. Its hooks succeed. */
  addInstance(serve: ServeCall, places = 10): void {
    const callee = memoryLink({
      messageBytesMax: defaultLimits.bodyBytesMax,
      callsMax: 1_000,
      schedule: setImmediate,
      onCall(request, side) {
        if (!HOOKS.has(request.target.method)) return serve(request, side);
        side.send(PAYLOAD_JSON, json(null), true);
        return ignoredEvents;
      },
    });
    this.route.capacity = { ...this.route.capacity, callsPerInstanceTarget: places };
    const instance = `${this.name}-instance`;
    const target = { instance, version: 1, callee, callsInFlight: 0, streamsInFlight: 0 };
    this.instances.push(target);
    this.route.add(target);
  }

  /** Calls `svc` from outside. */
  call(changes: Partial<RoutedRequest> & { method?: string; resource?: string } = {}): TestCall {
    const { method = "method", resource = "", ...rest } = changes;
    const call = new TestCall();
    const request: RoutedRequest = {
      caller: OUTSIDE,
      target: { environment: "dev.lever", service: "svc", resource, method },
      isStream: false,
      timeoutMs: 0,
      kind: PAYLOAD_JSON,
      body: json([]),
      number: 1,
      ...rest,
    };
    call.handle = this.router.open(request, call, request.isStream);
    return call;
  }

  /** Resolves when it is linked with that host, which takes calls or drains, and has been told of this many free places there. */
  async knows(host: PeerHost, free?: number): Promise<void> {
    await eventually(() => {
      const peer = this.peers.peer(host.name);
      if (peer?.isUp !== true) return false;
      return free === undefined || peer.placesOf("dev.lever/svc")?.free === free;
    });
  }
}

/** A call, and what comes back. */
export class TestCall implements CallListener {
  handle: CallHandle = closedSide;
  /** Messages and the ending. */
  readonly got: string[] = [];
  readonly #over: PromiseWithResolvers<string> = Promise.withResolvers();

  /** Resolves with the last thing that came. */
  get ending(): Promise<string> {
    return this.#over.promise;
  }

  onMessage(_kind: number, bytes: Uint8Array): void {
    this.got.push(decoder.decode(bytes));
  }

  onEnd(): void {
    this.#end("end");
  }

  onFail(_kind: number, bytes: Uint8Array): void {
    this.#end(`fail ${decoder.decode(bytes)}`);
  }

  onAbort(error: LeverError): void {
    this.#end(`${error.code}: ${error.message}`);
  }

  onDrain(): void {
    this.got.push("drain");
  }

  #end(ending: string): void {
    this.got.push(ending);
    this.#over.resolve(ending);
  }
}

/** Answers with the name and the request's caller. */
export const answer =
  (name: string): ServeCall =>
  ({ caller, body }, side) => {
    side.send(PAYLOAD_JSON, json([name, caller, JSON.parse(decoder.decode(body))]), true);
    return ignoredEvents;
  };

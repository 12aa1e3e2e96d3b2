import { Duplex } from "node:stream";
import type {
  Clock,
  InstanceLinkHandlers,
  Launcher,
  ProcessExit,
  RuntimeLink,
} from "@leveros/host/parts";
import {
  type Assignment,
  type CallHandle,
  type CallListener,
  type CallRequest,
  closedSide,
  LeverError,
  PAYLOAD_JSON,
} from "@leveros/protocol";

const encoder = new TextEncoder();

/** Probabilities of faults in the simulated instances. */
interface Troubles {
  /** Starts that fail by themselves. */
  readonly badStarts: number;
  /** Calls and hooks that are never answered. */
  readonly lostReplies: number;
  /** Calls that fail, and streams that the service ends before its caller does. */
  readonly earlyEnds: number;
  /** Instances that ignore TERM. */
  readonly stubborn: number;
}

/** The events of instances from which the simulation checks the promises. */
export interface Watcher {
  /** The host opens a call, of a method or a hook. */
  onSent(runtime: SimulatedRuntime, request: CallRequest): void;
  /** A call has reached the service's function. */
  onCall(runtime: SimulatedRuntime, request: CallRequest): void;
  onTakes(runtime: SimulatedRuntime, resource: string, epoch: number): void;
  /** `closeResource` begins. */
  onClosing(runtime: SimulatedRuntime, resource: string): void;
  onGives(runtime: SimulatedRuntime, resource: string): void;
  /** The host breaks the contract of a call. */
  onMisuse(what: string): void;
  onDead(runtime: SimulatedRuntime): void;
}

export interface World {
  readonly clock: Clock;
  readonly random: () => number;
  readonly troubles: Troubles;
  readonly watcher: Watcher;
}

interface Running {
  readonly request: CallRequest;
  readonly events: CallListener;
  /** False once the caller has left, while the function still runs. */
  isHeard: boolean;
  /** The caller sends no more. */
  hasEnded: boolean;
  /** Messages of a stream. */
  received: number;
}

function isHook({ target }: CallRequest): boolean {
  return target.method === "newResource" || target.method === "closeResource";
}

/** A process with a runtime in it, as far as the host can tell: it loads, answers, closes resources, drains and dies. */
export class SimulatedRuntime implements RuntimeLink {
  readonly isHeldBack = false;
  lastCall = 0;
  readonly framesReceived = 0;
  readonly #world: World;
  readonly #exited: PromiseWithResolvers<ProcessExit> = Promise.withResolvers();
  readonly #running = new Set<Running>();
  /** Streams whose caller's half is open, also those that the service has ended. */
  readonly #halfOpen = new Set<Running>();
  readonly #held = new Set<string>();
  handlers: InstanceLinkHandlers | undefined;
  assignment: Assignment | undefined;
  isDead = false;
  isStopping = false;
  #wasTold = false;
  #isLeaving = false;
  /** Stopped as by SIGSTOP until this moment. */
  #frozenUntil = 0;
  /** Actions that wait until it is no longer frozen. */
  readonly #postponed: (() => void)[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  /** Only hosts of a cluster set it. */
  setOwnersEnd(): void {}

  get exited(): Promise<ProcessExit> {
    return this.#exited.promise;
  }

  /** Streams whose callers may still send. */
  get halfOpen(): number {
    return this.#halfOpen.size;
  }

  /** The calls of methods that the host waits for, also for one resource only. */
  calls(resource?: string): { readonly all: number; readonly streams: number } {
    let [all, streams] = [0, 0];
    for (const { request, isHeard } of this.#running) {
      if (!isHeard || isHook(request)) continue;
      if (resource !== undefined && request.target.resource !== resource) continue;
      all++;
      if (request.isStream) streams++;
    }
    return { all, streams };
  }

  // The launcher's side.

  terminate(): void {
    this.#later(1, () => {
      this.#wasTold = true;
      this.#leaveWhenIdle();
    });
  }

  kill(): void {
    // The process does not receive it, so a freeze does not delay it.
    this.#world.clock.setTimeout(() => this.#die({ status: undefined, signal: "SIGKILL" }), 1);
  }

  /** The simulation's own doing. */
  freeze(ms: number): void {
    this.#frozenUntil = this.#world.clock.now() + ms;
  }

  // The link's side.

  assign(assignment: Assignment): void {
    this.assignment = assignment;
    const { random, troubles } = this.#world;
    this.#later(5 + random() * 100, () => {
      this.handlers?.onStarted();
      if (random() < troubles.badStarts) {
        this.handlers?.onFailed("It does not load");
        this.#die({ status: 70, signal: undefined });
      } else {
        this.handlers?.onReady(["method", "chan"]);
      }
    });
  }

  open(request: CallRequest, events: CallListener, hasMore: boolean): CallHandle {
    this.#world.watcher.onSent(this, request);
    this.lastCall++;
    if (this.isDead) {
      events.onAbort(new LeverError("instance_failed", "It is dead."));
      return closedSide;
    }
    const running: Running = { request, events, isHeard: true, hasEnded: !hasMore, received: 0 };
    this.#running.add(running);
    if (hasMore) this.#halfOpen.add(running);
    this.#later(0.5, () => this.#serve(running));
    if (request.isStream && !hasMore) this.#later(1, () => this.#finish(running));
    return {
      ...closedSide,
      send: () => {
        if (running.hasEnded) this.#world.watcher.onMisuse("a message follows the caller's end");
        running.received++;
        return true;
      },
      abort: () => {
        running.isHeard = false;
        this.#halfOpen.delete(running);
      },
      // A stream is over when its caller has ended it.
      end: () => {
        if (running.hasEnded) this.#world.watcher.onMisuse("a caller ends its stream twice");
        running.hasEnded = true;
        this.#halfOpen.delete(running);
        this.#later(1, () => this.#finish(running));
      },
    };
  }

  openCalls(): readonly CallListener[] {
    return [...this.#running].map(({ events }) => events);
  }

  stop(): void {
    this.#later(0.5, () => {
      this.isStopping = true;
      this.#leaveWhenIdle();
    });
  }

  ping(onPong: () => void): void {
    this.#later(0.5, onPong);
  }

  /** The host has closed the link, since the process is dead. */
  close(error: LeverError): void {
    for (const { isHeard, events } of [...this.#running]) if (isHeard) events.onAbort(error);
    this.#running.clear();
    this.#halfOpen.clear();
  }

  #serve(running: Running): void {
    const { request } = running;
    const { random, troubles, watcher } = this.#world;
    const { resource, method } = request.target;
    if (method === "newResource") {
      const [, epoch] = JSON.parse(new TextDecoder().decode(request.body)) as [string, number];
      watcher.onTakes(this, resource, epoch);
      this.#held.add(resource);
    }
    if (method === "closeResource") {
      watcher.onClosing(this, resource);
      this.#closeWhenQuiet(running);
      return;
    }
    if (method === "method" || method === "chan") watcher.onCall(this, request);
    const endsEarly = random() < troubles.earlyEnds;
    if (request.isStream && !endsEarly) return;
    if (random() < troubles.lostReplies) return;
    if (endsEarly && !isHook(request) && random() < 0.5) {
      this.#later(random() * 60, () => this.#fail(running));
    } else this.#later(random() * 60, () => this.#finish(running));
  }

  /** A resource is released when no function works for it, also while callers wait for an answer. */
  #closeWhenQuiet(closing: Running): void {
    const { resource } = closing.request.target;
    const isBusy = [...this.#running].some(
      (other) => other !== closing && other.request.target.resource === resource,
    );
    if (isBusy) {
      this.#later(5, () => this.#closeWhenQuiet(closing));
      return;
    }
    this.#later(this.#world.random() * 20, () => {
      this.#give(resource);
      this.#finish(closing);
    });
  }

  #give(resource: string): void {
    if (this.#held.delete(resource)) this.#world.watcher.onGives(this, resource);
  }

  /** Answers a call with the number of messages that it had. */
  #finish(running: Running): void {
    if (!this.#running.delete(running)) return;
    const { events, isHeard, received } = running;
    if (isHeard) {
      events.onMessage(PAYLOAD_JSON, encoder.encode(`${received}`));
      events.onEnd();
    }
    this.#leaveWhenIdle();
  }

  /** Fails a call with a value, which ends both of its halves. */
  #fail(running: Running): void {
    if (!this.#running.delete(running)) return;
    this.#halfOpen.delete(running);
    running.hasEnded = true;
    if (running.isHeard) running.events.onFail(PAYLOAD_JSON, encoder.encode("null"));
    this.#leaveWhenIdle();
  }

  #leaveWhenIdle(): void {
    if (!this.isStopping || !this.#wasTold || this.#isLeaving || this.#running.size > 0) return;
    const { random, troubles } = this.#world;
    this.#isLeaving = true;
    if (random() < troubles.stubborn) return;
    this.#later(random() * 30, () => {
      for (const resource of [...this.#held]) this.#give(resource);
      this.#later(1, () => this.#die({ status: 0, signal: undefined }));
    });
  }

  #die(exit: ProcessExit): void {
    if (this.isDead) return;
    this.isDead = true;
    this.#held.clear();
    this.#world.watcher.onDead(this);
    this.#exited.resolve(exit);
  }

  /** Something that this process does by itself: not when it is dead, and later, in the same order, when it is stopped. */
  #later(ms: number, callback: () => void): void {
    const { clock } = this.#world;
    clock.setTimeout(() => {
      if (this.#postponed.length === 0 && clock.now() >= this.#frozenUntil) {
        if (!this.isDead) callback();
        return;
      }
      this.#postponed.push(callback);
      if (this.#postponed.length === 1) this.#thaw();
    }, ms);
  }

  #thaw(): void {
    const { clock } = this.#world;
    const leftMs = this.#frozenUntil - clock.now();
    if (leftMs > 0) {
      clock.setTimeout(() => this.#thaw(), leftMs);
      return;
    }
    for (let next = this.#postponed[0]; next !== undefined; next = this.#postponed[0]) {
      if (!this.isDead) next();
      this.#postponed.shift();
    }
  }
}

/** Starts simulated runtimes, and passes each to the watcher. */
export function simulatedLauncher(
  world: World,
  onLaunch: (runtime: SimulatedRuntime) => void,
): {
  launcher: Launcher;
  link: (of: { socket: Duplex }, handlers: InstanceLinkHandlers) => RuntimeLink;
} {
  const bySocket = new WeakMap<Duplex, SimulatedRuntime>();
  let pid = 0;
  return {
    launcher: {
      launch() {
        const runtime = new SimulatedRuntime(world);
        // Only a name for it: nothing is ever sent over it.
        const socket = new Duplex();
        bySocket.set(socket, runtime);
        onLaunch(runtime);
        return {
          pid: ++pid,
          isWarm: false,
          memoryBytes: 0,
          socket,
          exited: runtime.exited,
          terminate: () => runtime.terminate(),
          kill: () => runtime.kill(),
        };
      },
    },
    link(of, handlers) {
      const runtime = bySocket.get(of.socket);
      if (runtime === undefined) throw new Error("Cannot link a runtime that was not simulated.");
      runtime.handlers = handlers;
      return runtime;
    },
  };
}

import { Emitter } from "../../emitter.ts";

/** A host's state, as far as its readiness depends on it. */
export interface HostState {
  readonly phase: "starting" | "running" | "stopping";
  /** Processes that should take connections, and do not. */
  readonly workersMissing: number;
  /** An operator drains the host. It still passes calls on to the other hosts. */
  readonly isDraining: boolean;
}

/** Whether a host takes calls. The host changes it, and sends each change to its workers. */
export class Readiness {
  readonly #stopping = new AbortController();
  #state: HostState = { phase: "starting", workersMissing: 0, isDraining: false };
  readonly changed: Emitter<HostState> = new Emitter();

  get state(): HostState {
    return this.#state;
  }

  /** Aborted when the host begins to stop. */
  get stopping(): AbortSignal {
    return this.#stopping.signal;
  }

  /** A host that stops does not become ready again. */
  change(change: Partial<HostState>): void {
    if (this.#state.phase === "stopping") return;
    this.#state = { ...this.#state, ...change };
    if (this.#state.phase === "stopping") this.#stopping.abort();
    this.changed.emit(this.#state);
  }

  /** Completes "Cannot take calls: …"; undefined = the host is ready. */
  get obstacle(): string | undefined {
    return obstacleOf(this.#state);
  }
}

function obstacleOf({ phase, workersMissing, isDraining }: HostState): string | undefined {
  switch (phase) {
    case "starting":
      return "Lever is starting";
    case "stopping":
      return "Lever is stopping";
    case "running":
      if (isDraining) return "this host is drained, and lever hosts resume ends that";
      return workersMissing === 0 ? undefined : describeMissing(workersMissing);
  }
}

function describeMissing(workers: number): string {
  return `${workers} of its workers ${workers === 1 ? "is" : "are"} not running`;
}

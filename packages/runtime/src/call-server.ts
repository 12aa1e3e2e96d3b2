import { AsyncLocalStorage } from "node:async_hooks";
import {
  type ActiveCall,
  type CallHandle,
  type CallListener,
  type CallRequest,
  closedSide,
  decodeArguments,
  decodeValue,
  FETCH_METHOD,
  hookNamed,
  hookRequest,
  ignoredEvents,
  isReservedName,
  isStreamingName,
  LeverError,
  PAYLOAD_BYTES,
  wrongMethodKind,
} from "@leveros/protocol";
import { callMethod, type StyledMethod } from "./call-method.ts";
import { callStyle } from "./call-style.ts";
import type { ExportedMethod } from "./list-methods.ts";
import { toOwnedBuffer } from "./owned-buffer.ts";
import { OwnedResources } from "./owned-resources.ts";
import {
  type AnsweringSide,
  type CallServerOptions,
  RunningCall,
  type RunningCallOwner,
} from "./running-call.ts";

type Serve = (method: StyledMethod, running: RunningCall, args: unknown[]) => CallListener;

interface ServedMethod extends StyledMethod {
  readonly isStreaming: boolean;
  readonly serve: Serve;
}

interface ServerOptions extends CallServerOptions {
  /** Serves the calls of streaming methods (serve-stream.ts): a service without such methods need not load it. */
  readonly serveStream?: Serve | undefined;
  /** Serves HTTP requests by the method `fetch` (fetch/serve-fetch.ts). */
  readonly serveFetch?: Serve | undefined;
}

/**
 * Runs the functions of a service for the calls of a link.
 *
 * - R1. Each call is answered at most once, whatever the function does. An error after the answer is logged.
 * - R2. A function that throws fails its own call and nothing else, also when it throws later in a timer.
 */
export class CallServer {
  readonly #methods = new Map<string, ServedMethod>();
  readonly #running = new AsyncLocalStorage<RunningCall>();
  readonly #hooks = new Map<string, ServedMethod>();
  readonly #resources = new OwnedResources();
  readonly #owner: RunningCallOwner;
  #callsInFlight = 0;

  /** @param methods the service's methods and hooks. */
  constructor(methods: ReadonlyMap<string, ExportedMethod>, options: ServerOptions) {
    for (const [name, { call, owner }] of methods) {
      const hook = hookNamed(name);
      const serveFetch = name === FETCH_METHOD ? options.serveFetch : undefined;
      const isStreaming = isStreamingName(name) || serveFetch !== undefined;
      const style = callStyle(call);
      const serve = serveFetch ?? (isStreaming ? options.serveStream : serveRegular);
      if (serve === undefined) throw new Error(`Cannot serve ${name}: streams are not served.`);
      const method: ServedMethod = { name, call, owner, isStreaming, style, serve };
      if (hook === undefined) this.#methods.set(name, method);
      else this.#hooks.set(hook, method);
    }
    this.#owner = {
      ...options,
      onOver: () => {
        this.#callsInFlight--;
        if (this.#callsInFlight === 0) options.onIdle?.();
      },
      onSettled: (resource) => this.#resources.settle(resource),
      epochOf: (resource) => this.#resources.epochOf(resource),
    };
  }

  get callsInFlight(): number {
    return this.#callsInFlight;
  }

  /** Fails the call that the current code runs for (R2). False = it runs outside of calls. */
  failCurrent(error: unknown): boolean {
    const running = this.#running.getStore();
    if (running === undefined) return false;
    running.fail(error);
    return true;
  }

  /** The call that the current code runs for, also after its answer. */
  currentCall(): RunningCall | undefined {
    return this.#running.getStore();
  }

  /** The call that the current code runs for; undefined = none, or it has been answered. */
  readonly activeCall = (): ActiveCall | undefined => {
    const running = this.#running.getStore();
    return running?.isOver === true && !running.signal.aborted ? undefined : running;
  };

  readonly onCall = (request: CallRequest, side: AnsweringSide): CallListener => {
    const { method: name, resource } = request.target;
    if (isReservedName(name)) {
      void this.#serveHook(request, side);
      return ignoredEvents;
    }
    const method = this.#methods.get(name);
    if (method === undefined) {
      side.abort(new LeverError("unknown_method", `There is no method ${name}.`));
      return ignoredEvents;
    }
    if (method.isStreaming !== request.isStream) {
      side.abort(wrongMethodKind(name, method.isStreaming));
      return ignoredEvents;
    }
    const args = decodeArguments(request.kind, request.body);
    if (typeof args === "string") {
      side.abort(new LeverError("malformed_request", `Cannot call ${name}: ${args}.`));
      return ignoredEvents;
    }
    if (request.kind === PAYLOAD_BYTES) args[0] = toOwnedBuffer(request.body);
    // A request has its head alone as arguments.
    if (resource !== "" && name !== FETCH_METHOD) args.unshift(resource);
    this.#callsInFlight++;
    const running = new RunningCall(request, side, this.#owner);
    if (resource !== "") this.#resources.begin(resource);
    return this.#running.run(running, () => method.serve(method, running, args));
  };

  /** Closes every resource, when the instance exits without an order of the host. Failures are logged. */
  async closeResources(): Promise<void> {
    await Promise.all(
      this.#resources.names.map(async (resource) => {
        const request = hookRequest("closeResource", { resource, epoch: 0, timeoutMs: 0 });
        const side: CallHandle = {
          ...closedSide,
          fail: (kind, bytes) =>
            console.error(`closeResource of ${resource} failed:`, decodeValue(kind, bytes)),
        };
        await this.#serveHook(request, side);
      }),
    );
  }

  /** `newResource` arrives before the first call of a resource. `closeResource` waits until its last function has ended. */
  async #serveHook(request: CallRequest, side: AnsweringSide): Promise<void> {
    const { resource, method } = request.target;
    const isNew = method === "newResource";
    if (isNew) {
      const args = decodeArguments(request.kind, request.body);
      const epoch = typeof args === "string" ? undefined : args[1];
      this.#resources.acquire(resource, typeof epoch === "number" ? epoch : 0);
      this.#resources.begin(resource);
    } else {
      await this.#resources.whenIdle(resource);
    }
    this.#callsInFlight++;
    const running = new RunningCall(request, side, this.#owner);
    try {
      const hook = this.#hooks.get(method);
      if (hook !== undefined) await this.#running.run(running, () => callHook(hook, resource));
      if (!isNew) this.#resources.release(resource);
      running.reply(null);
    } catch (error) {
      this.#resources.release(resource);
      running.fail(error);
    }
  }
}

/** True for a service with streaming methods. */
export function hasStreams(methods: ReadonlyMap<string, ExportedMethod>): boolean {
  return [...methods.keys()].some(isStreamingName);
}

/** Resolves when a hook has ended, by its callback or its promise. */
function callHook(hook: ServedMethod, resource: string): Promise<unknown> {
  return new Promise((reply, fail) => callMethod(hook, [resource], { reply, fail }));
}

function serveRegular(method: StyledMethod, running: RunningCall, args: unknown[]): CallListener {
  callMethod(method, args, running);
  return running;
}

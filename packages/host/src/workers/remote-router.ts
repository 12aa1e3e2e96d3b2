import {
  type CallListener,
  CallTable,
  closedSide,
  LeverError,
  type Link,
  type LinkedSide,
  type PayloadKind,
} from "@leveros/protocol";
import type { WaitTimes } from "../router/routed-call.ts";
import type { CallRequest, CallRouter, EnvironmentAccess, OpenCall } from "../router/router.ts";
import { namesOf } from "./call-names.ts";

/** The way from a worker to the host's router: what it has to know of environments, and calls over the link. */
export class RemoteRouter implements CallRouter {
  readonly #link: Pick<Link, "open">;
  readonly #environments = new Map<string, { readonly access: EnvironmentAccess }>();
  readonly #calls = new CallTable<RemoteCall>();

  constructor(link: Pick<Link, "open">) {
    this.#link = link;
  }

  environment(name: string): { readonly access: EnvironmentAccess } | undefined {
    return this.#environments.get(name);
  }

  /** undefined = there is no such environment any more. */
  setEnvironment(name: string, access: EnvironmentAccess | undefined): void {
    if (access === undefined) this.#environments.delete(name);
    else this.#environments.set(name, { access });
  }

  call(request: CallRequest, events: CallListener): OpenCall {
    const { isStream, timeoutMs, kind, body, release, hasMore } = request;
    const call = new RemoteCall(this.#calls, events);
    try {
      const opening = { ...namesOf(request), isStream, timeoutMs, kind, body, release };
      const side = this.#link.open(opening, call, hasMore);
      this.#calls.set(side.id, call);
      call.side = side;
    } catch (error) {
      // A name that is too long for the link.
      if (!(error instanceof LeverError)) throw error;
      events.onAbort(error);
    }
    return call;
  }

  /** What the call had to wait for. */
  setWaitTimes(id: number, waitTimes: WaitTimes): void {
    const call = this.#calls.get(id);
    if (call !== undefined) call.waitTimes = waitTimes;
  }
}

const unopenedSide: LinkedSide = { ...closedSide, id: 0 };

/** One call on its way to the host's router; it ends for the worker as it does there. */
class RemoteCall implements OpenCall, CallListener {
  waitTimes: WaitTimes | undefined;
  /** From when it is open. */
  side: LinkedSide = unopenedSide;
  readonly #calls: CallTable<RemoteCall>;
  readonly #events: CallListener;

  constructor(calls: CallTable<RemoteCall>, events: CallListener) {
    this.#calls = calls;
    this.#events = events;
  }

  // The caller's side.

  send(kind: PayloadKind, bytes: Uint8Array, isLast = false): boolean {
    return this.side.send(kind, bytes, isLast);
  }

  end(): void {
    this.side.end();
  }

  fail(kind: PayloadKind, bytes: Uint8Array): void {
    this.#forget();
    this.side.fail(kind, bytes);
  }

  abort(error: LeverError): void {
    this.#forget();
    this.side.abort(error);
  }

  pause(): void {
    this.side.pause();
  }

  resume(): void {
    this.side.resume();
  }

  // The router's side.

  onMessage(kind: PayloadKind, bytes: Uint8Array): void {
    this.#events.onMessage(kind, bytes);
  }

  onEnd(): void {
    this.#forget();
    // A call whose method is done is over, whatever its caller still has to say: callers do not say that they know.
    this.side.end();
    this.#events.onEnd();
  }

  onFail(kind: PayloadKind, bytes: Uint8Array): void {
    this.#forget();
    this.#events.onFail(kind, bytes);
  }

  onAbort(error: LeverError): void {
    this.#forget();
    this.#events.onAbort(error);
  }

  onDrain(): void {
    this.#events.onDrain();
  }

  #forget(): void {
    this.#calls.delete(this.side.id);
  }
}

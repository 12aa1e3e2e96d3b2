import {
  type CallHandle,
  type CallListener,
  type CallRequest,
  type CallTarget,
  cancelled,
  closedSide,
  decodeValue,
  encodeJson,
  LeverError,
  PAYLOAD_JSON,
  type PayloadKind,
} from "@leveros/protocol";
import type { PrincipalId } from "../access/token-index.ts";
import type { Clock } from "../clock.ts";
import { ADMIN_ENVIRONMENT } from "../environments/environments.ts";

export const ADMIN_SERVICE = "admin";

/** A host that does not answer in this time is left out, and named. */
const ANSWER_MS = 2_000;
/** Hosts believe each other only so far: a longer answer of one host is left out. */
const ANSWER_BYTES_MAX = 8 * 1024 * 1024;

/** A host of the cluster, as it is asked about itself. */
export interface AskedHost {
  readonly name: string;
  /** There is a connection, and it answers. */
  readonly isUp: boolean;
  readonly open: CallTarget["open"];
}

/** A method of the admin service that is asked of several hosts. */
export interface Question {
  readonly method: string;
  readonly args: readonly unknown[];
  /** Its rights are checked by each host. */
  readonly principal: PrincipalId;
}

type Outcome =
  | { readonly kind: "reply"; readonly reply: unknown }
  /** The method has failed there. */
  | { readonly kind: "error"; readonly error: LeverError }
  /** There is no answer. The end of a sentence. */
  | { readonly kind: "silent"; readonly reason: string };

/** The answer of a host, or that it has none. */
export type HostAnswer = Outcome & { readonly host: string };

export const NO_CONNECTION = "there is no connection to it";
/** A host that takes no more questions. */
export const STOPPING = "it is stopping";
export const OTHER_FORM = "its answer has another form";

/** Asks a host. Resolves at the latest after `ANSWER_MS`. */
export async function askHost(
  host: AskedHost,
  question: Question,
  clock: Clock,
): Promise<HostAnswer> {
  const { name } = host;
  if (!host.isUp) return { host: name, kind: "silent", reason: NO_CONNECTION };
  const { promise, resolve } = Promise.withResolvers<HostAnswer>();
  const answer = new Answer((outcome) => resolve({ host: name, ...outcome }));
  const timer = clock.setTimeout(() => answer.giveUp(), ANSWER_MS);
  const request = requestOf(question, { isStream: false, timeoutMs: ANSWER_MS });
  answer.call = host.open(request, answer, false);
  const outcome = await promise;
  clock.clearTimeout(timer);
  return outcome;
}

/** The call that asks a host about itself: one that was passed on is answered by that host alone. */
export function requestOf(
  { method, args, principal }: Question,
  { isStream, timeoutMs }: Pick<CallRequest, "isStream" | "timeoutMs">,
): CallRequest {
  return {
    caller: { kind: "admin", principal },
    target: { environment: ADMIN_ENVIRONMENT, service: ADMIN_SERVICE, resource: "", method },
    isStream,
    timeoutMs,
    kind: PAYLOAD_JSON,
    body: encodeJson(args),
    passedOn: { mark: "place", depth: 1 },
  };
}

/** undefined = it is not JSON, or null: hosts believe each other only so far. */
export function decodeAnswer(kind: PayloadKind, bytes: Uint8Array): unknown {
  try {
    return decodeValue(kind, bytes) ?? undefined;
  } catch {
    return undefined;
  }
}

/** The failure of a method of the admin service. */
export function methodFailed(kind: PayloadKind, bytes: Uint8Array): LeverError {
  const value = decodeAnswer(kind, bytes);
  const message = typeof value === "string" ? value : JSON.stringify(value ?? null);
  return new LeverError("method_failed", message, { value });
}

/** Collects the answer of a regular method. The first outcome counts. */
class Answer implements CallListener {
  call: CallHandle = closedSide;
  readonly #resolve: (outcome: Outcome) => void;
  #reply: unknown;

  constructor(resolve: (outcome: Outcome) => void) {
    this.#resolve = resolve;
  }

  giveUp(): void {
    this.#isSilent(`it has not answered for ${ANSWER_MS / 1_000} s`);
    this.call.abort(cancelled("caller"));
  }

  onMessage(kind: PayloadKind, bytes: Uint8Array): void {
    if (bytes.length > ANSWER_BYTES_MAX) {
      this.#isSilent(`its answer has more than ${ANSWER_BYTES_MAX / 1024 / 1024} MiB`);
      return;
    }
    this.#reply = decodeAnswer(kind, bytes);
    if (this.#reply === undefined) this.#isSilent(OTHER_FORM);
  }

  onEnd(): void {
    this.#resolve({ kind: "reply", reply: this.#reply });
  }

  onFail(kind: PayloadKind, bytes: Uint8Array): void {
    this.#resolve({ kind: "error", error: methodFailed(kind, bytes) });
  }

  onAbort(error: LeverError): void {
    this.#resolve({ kind: "error", error });
  }

  onDeclined(): void {
    this.#isSilent(STOPPING);
  }

  onDrain(): void {}

  #isSilent(reason: string): void {
    this.#resolve({ kind: "silent", reason });
  }
}

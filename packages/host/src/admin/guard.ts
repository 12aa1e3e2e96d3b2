import { AsyncLocalStorage } from "node:async_hooks";
import { isJsonObject, LeverError } from "@leveros/protocol";
import type { PrincipalId, TokenIndex } from "../access/token-index.ts";
import { asLeverError } from "../logs/as-lever-error.ts";
import type { Log } from "../logs/log.ts";
import { systemReason } from "../logs/system-reason.ts";
import type { State } from "../state/state.ts";
import { NO_KEY } from "../store/change.ts";
import type { AuditRecord } from "../store/store.ts";
import { type AdminMethod, argumentWithRole } from "./method-table.ts";

export interface GuardOptions {
  readonly access: TokenIndex;
  readonly state: Pick<State, "change">;
  readonly wallTime: () => number;
  readonly log: Log;
  /**
   * Resolves when what was changed holds in every process that takes calls, also those of other hosts; to the names of hosts
   * that were given up on.
   */
  readonly propagated: () => Promise<readonly string[]>;
}

/** The things that a method has changed, beside its arguments. */
export interface ChangeNote {
  readonly target?: string;
  readonly version?: number;
}

/** A call of a method. */
interface AdminCall {
  readonly principal: PrincipalId;
  /** See `AskingParts.isAsked`. */
  readonly isAsked: boolean;
  note: ChangeNote;
}

type GuardedMethod = (...args: unknown[]) => unknown;

/** Checks the right of each call before its method runs, and records calls that change something in the audit. */
export class AdminGuard {
  readonly #options: GuardOptions;
  readonly #call = new AsyncLocalStorage<AdminCall>();

  constructor(options: GuardOptions) {
    this.#options = options;
  }

  /** Runs `work`, and the methods that it calls, as this principal. */
  runAs<T>(
    principal: PrincipalId,
    work: () => T,
    { isAsked = false }: { readonly isAsked?: boolean } = {},
  ): T {
    return this.#call.run({ principal, isAsked, note: {} }, work);
  }

  /** The principal of the call that runs; `""` = it has none. */
  get principal(): PrincipalId {
    return this.#call.getStore()?.principal ?? "";
  }

  /** The call that runs is answered by this host alone. */
  get isAsked(): boolean {
    return this.#call.getStore()?.isAsked === true;
  }

  /** The audit records this about the call that runs. */
  note(change: ChangeNote): void {
    const call = this.#call.getStore();
    if (call !== undefined) call.note = { ...call.note, ...change };
  }

  /** The methods of a table by their names and aliases, as a service's module would export them. */
  guardAll<Parts>(
    table: Readonly<Record<string, AdminMethod<Parts>>>,
    parts: Parts,
  ): Record<string, GuardedMethod> {
    const guarded = Object.entries(table).flatMap(([name, method]) => {
      const names = method.alias === undefined ? [name] : [name, method.alias];
      return names.map((of) => [of, this.#guard(of, method, parts)] as const);
    });
    return Object.fromEntries(guarded);
  }

  #guard<Parts>(name: string, method: AdminMethod<Parts>, parts: Parts): GuardedMethod {
    const { access } = this.#options;
    return (...args) => {
      const { principal } = this;
      const environment = environmentOf(method, args);
      const run = (): unknown => {
        if (method.right === "any") access.tokenOf(principal);
        else {
          access.checkAdmin(principal, method.right, environment);
          // Not for strangers: their arguments may take long to read.
          if (method.needsAll?.(args) === true) access.checkAdmin(principal, method.right, "*");
        }
        return method.call(parts, args);
      };
      if (!method.isChange) return this.#run(run);
      const { value } = argumentWithRole(method, "target", args) ?? {};
      const about = { principal, method: name, environment, target: targetOf(value) };
      return this.#run(() => this.#runAudited(run, about));
    };
  }

  /** The result of a stream must stay as it is: a promise would end the stream. */
  #run(run: () => unknown): unknown {
    try {
      const result = run();
      return result instanceof Promise ? result.catch(this.#fail) : result;
    } catch (error) {
      return this.#fail(error);
    }
  }

  /** Errors of the system may have paths of the host, which callers must not see. */
  readonly #fail = (error: unknown): never => {
    throw systemReason(error) === undefined
      ? error
      : asLeverError(error, this.#options.log, "admin");
  };

  async #runAudited(
    run: () => unknown,
    about: Pick<AuditRecord, "principal" | "method" | "environment" | "target">,
  ): Promise<unknown> {
    const { state, wallTime, propagated } = this.#options;
    const record = async (outcome: string): Promise<void> => {
      const { target = about.target, version } = this.#call.getStore()?.note ?? {};
      const audited = { at: wallTime(), ...about, target, version, outcome };
      await state.change(NO_KEY, () => ({ kind: "audited", record: audited }));
    };
    try {
      const result = await run();
      // The change holds everywhere before the caller receives the reply.
      const hostsBehind = await propagated();
      await record("done");
      return hostsBehind.length === 0 ? result : withHostsBehind(result, hostsBehind);
    } catch (error) {
      await record(outcomeOf(error));
      throw error;
    }
  }
}

/** An answer of a change that some hosts may not have. It names them. */
function withHostsBehind(result: unknown, hostsBehind: readonly string[]): unknown {
  if (result === null) return { hostsBehind };
  return isJsonObject(result) ? { ...result, hostsBehind } : result;
}

/** The environment that a call needs its right in; `*` = all of them; `""` = the argument is not a name. */
function environmentOf(method: AdminMethod<never>, args: readonly unknown[]): string {
  const argument = argumentWithRole(method, "environment", args);
  if (argument === undefined) return "*";
  // An environment that may be left out, as in `metricsChan`.
  if (argument.value === undefined || argument.value === null) return "*";
  return typeof argument.value === "string" ? argument.value.toLowerCase() : "";
}

const TARGET_LENGTH_MAX = 200;

function targetOf(value: unknown): string {
  return typeof value === "string" ? value.slice(0, TARGET_LENGTH_MAX) : "";
}

function outcomeOf(error: unknown): string {
  return error instanceof LeverError && error.code !== "method_failed" ? error.code : "failed";
}

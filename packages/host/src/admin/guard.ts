import { AsyncLocalStorage } from "node:async_hooks";
import { LeverError, type Right } from "@leveros/protocol";
import type { PrincipalId, TokenIndex } from "../access/token-index.ts";
import type { Store } from "../store/store.ts";

/** What a method of the admin service needs. */
interface MethodPolicy {
  readonly right: Right;
  /** Which argument is the environment; undefined = it concerns all of them. */
  readonly environmentAt?: number;
  /** It changes something: who did it is kept. */
  readonly isChange: boolean;
}

const look = (right: Right, environmentAt?: number): MethodPolicy =>
  rule(right, environmentAt, false);
const change = (right: Right, environmentAt?: number): MethodPolicy =>
  rule(right, environmentAt, true);

function rule(right: Right, environmentAt: number | undefined, isChange: boolean): MethodPolicy {
  return { right, isChange, ...(environmentAt !== undefined && { environmentAt }) };
}

/** Every method of the admin service; one that is missing here is called by nobody. */
const methodPolicies: Readonly<Record<string, MethodPolicy>> = {
  // The stream comes first.
  deployServiceChan: change("deploy", 1),
  DeployServiceChan: change("deploy", 1),
  rollBackService: change("deploy", 0),
  listServices: look("deploy", 0),
  listInstances: look("deploy", 0),
  explainService: look("deploy", 0),
  explainInstance: look("deploy", 0),
  listEvents: look("deploy", 0),
  watchEventsChan: look("deploy", 1),
  setVariable: change("admin", 0),
  unsetVariable: change("admin", 0),
  listVariables: look("admin", 0),
  setCorsOrigins: change("admin", 0),
  setPublic: change("admin", 0),
  setNetwork: change("admin", 0),
  removeEnvironment: change("admin", 0),
  createEnvironment: change("admin"),
  listEnvironments: look("admin"),
  listLimits: look("admin"),
  createToken: change("admin"),
  listTokens: look("admin"),
  revokeToken: change("admin"),
  listAudit: look("admin"),
};

export interface GuardOptions {
  readonly access: TokenIndex;
  readonly store: Store;
  readonly wallTime: () => number;
  /** Resolves when what was changed holds wherever calls come in. */
  readonly propagated: () => Promise<void>;
}

type AdminMethod = (...args: unknown[]) => unknown;

/** Checks who asks before a method of the admin service does anything, and keeps a record of what was changed. */
export class AdminGuard {
  readonly #options: GuardOptions;
  readonly #principal = new AsyncLocalStorage<PrincipalId>();

  constructor(options: GuardOptions) {
    this.#options = options;
  }

  /** Runs what a call sets off, so that methods know who asks. */
  runAs<T>(principal: PrincipalId, work: () => T): T {
    return this.#principal.run(principal, work);
  }

  guardAll(methods: Readonly<Record<string, unknown>>): Record<string, AdminMethod> {
    return Object.fromEntries(
      Object.entries(methods).map(([name, method]) => {
        const needed = methodPolicies[name];
        if (needed === undefined) throw new Error(`Who may call ${name} of the admin service?`);
        return [name, this.#guard(name, needed, method as AdminMethod)];
      }),
    );
  }

  #guard(method: string, needed: MethodPolicy, call: AdminMethod): AdminMethod {
    const { access, store, wallTime, propagated } = this.#options;
    return (...args) => {
      const principal = this.#principal.getStore() ?? "";
      const named = needed.environmentAt === undefined ? "*" : args[needed.environmentAt];
      const environment = typeof named === "string" ? named.toLowerCase() : "";
      const invoke = (): unknown => {
        access.checkAdmin(principal, needed.right, environment);
        return call(...args);
      };
      // A stream lives for as long as a promise of its method says, or until it is ended: that is left to the method.
      if (!needed.isChange) return invoke();
      const about = aboutOf(needed, args);
      const keep = (outcome: string): Promise<void> =>
        store.addAudit({ at: wallTime(), principal, method, environment, about, outcome });
      const change = async (): Promise<unknown> => {
        try {
          const result = await invoke();
          // Before anybody hears of it.
          await propagated();
          await keep("done");
          return result;
        } catch (error) {
          await keep(error instanceof LeverError ? error.code : "failed");
          throw error;
        }
      };
      return change();
    };
  }
}

const ABOUT_MAX = 200;

/** What was changed, by name: never a value, which may be a secret. */
function aboutOf({ environmentAt }: MethodPolicy, args: readonly unknown[]): string {
  const named = args[environmentAt === undefined ? 0 : environmentAt + 1];
  return typeof named === "string" ? named.slice(0, ABOUT_MAX) : "";
}

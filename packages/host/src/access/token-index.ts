import { createHash } from "node:crypto";
import { LeverError, type Right } from "@leveros/protocol";
import type { TokenRecord } from "../store/store.ts";
import { type AccessRequest, isForwarded, isSameMachine, requestToken } from "./access-request.ts";
import { type AccessCheck, type Decision, decideAccess, type Principal } from "./decide-access.ts";

/** The right to see events and logs in the admin service. */
const LOGS_RIGHT: Right = "look";

/** The author of an admin call, as the audit records it: a token's id, or `local` (A3). `""` = no principal. */
export type PrincipalId = string;

/** A principal whose grant is a token's. */
interface RequestPrincipal extends Principal {
  readonly credential: "none" | "unknown" | TokenRecord;
}

export interface TokenIndexOptions {
  /** Milliseconds since 1970. */
  readonly wallTime: () => number;
  /** The host listens on an address that only this machine reaches. */
  readonly isLocalOnly: boolean;
}

/** The existing tokens, by their hashes: checks what requests may do. TokenRegistry and, in workers, the host change it. */
export class TokenIndex {
  readonly #options: TokenIndexOptions;
  readonly #byHash = new Map<string, TokenRecord>();
  readonly #byId = new Map<string, TokenRecord>();

  constructor(options: TokenIndexOptions) {
    this.#options = options;
  }

  get records(): Iterable<TokenRecord> {
    return this.#byId.values();
  }

  get count(): number {
    return this.#byId.size;
  }

  get hasTokens(): boolean {
    return this.#byId.size > 0;
  }

  find(id: string): TokenRecord | undefined {
    return this.#byId.get(id);
  }

  add(record: TokenRecord): void {
    this.#byId.set(record.id, record);
    this.#byHash.set(record.hash, record);
  }

  remove({ id, hash }: TokenRecord): void {
    this.#byId.delete(id);
    this.#byHash.delete(hash);
  }

  /**
   * Checks a call of a service's method. Returns whether its caller may read the logs of the environment's services.
   * @throws LeverError `unauthorized`, `forbidden`
   */
  checkInvoke(request: AccessRequest, environment: string, isPublic: boolean): boolean {
    // The fast path: without tokens, on a host for this machine only.
    const { authorization } = request.headers;
    if (this.#byId.size === 0 && authorization === undefined && this.#options.isLocalOnly) {
      if (!(request.isForwarded ?? isForwarded(request.headers))) return true;
    }
    const principal = this.#principalOf(request);
    this.#check(principal, { right: "invoke", environment, isPublic });
    return this.#decide(principal, { right: LOGS_RIGHT, environment, isPublic }) === "allowed";
  }

  /** True for a request with a token that exists, although it may have expired. */
  knowsTokenOf(headers: AccessRequest["headers"]): boolean {
    const token = requestToken(headers);
    return token !== undefined && this.#byHash.has(tokenHash(token));
  }

  /** True for a request that only its address allows: without a token, while none exists (A3). */
  isTrustedByAddress(request: AccessRequest): boolean {
    if (this.hasTokens) return false;
    const { credential, isLocal } = this.#principalOf(request);
    return credential === "none" && isLocal;
  }

  /**
   * The principal of a call to the admin service, which checks its rights for each method.
   * @throws LeverError `unauthorized` for a request that no method of the admin service would allow.
   */
  adminPrincipal(request: AccessRequest): PrincipalId {
    const { credential, isLocal } = this.#principalOf(request);
    if (typeof credential === "object") return credential.id;
    if (credential === "none" && isLocal && !this.hasTokens) return "local";
    throw unauthorized(credential === "unknown");
  }

  /** @throws LeverError `unauthorized` (the token was revoked meanwhile), `forbidden` */
  checkAdmin(principal: PrincipalId, right: Right, environment: string): void {
    const isLocal = principal === "local";
    const credential = isLocal ? "none" : (this.#byId.get(principal) ?? "unknown");
    this.#check({ credential, isLocal }, { right, environment, isPublic: false });
  }

  /**
   * The token of a principal; undefined = it has none, and needs none (A3).
   * @throws LeverError `unauthorized` (the token was revoked meanwhile, or has expired)
   */
  tokenOf(principal: PrincipalId): TokenRecord | undefined {
    if (principal === "local" && !this.hasTokens) return undefined;
    const found = this.#byId.get(principal);
    const { expiresAt = Number.POSITIVE_INFINITY } = found ?? {};
    if (found === undefined || expiresAt <= this.#options.wallTime()) throw unauthorized(true);
    return found;
  }

  #principalOf(request: AccessRequest): RequestPrincipal {
    const { headers, socket } = request;
    const isLocal =
      (this.#options.isLocalOnly || (socket !== undefined && isSameMachine(socket))) &&
      !(request.isForwarded ?? isForwarded(headers));
    const token = requestToken(headers);
    const credential =
      token === undefined ? "none" : (this.#byHash.get(tokenHash(token)) ?? "unknown");
    return { credential, isLocal };
  }

  #decide(principal: Principal, check: AccessCheck): Decision {
    const state = { hasTokens: this.hasTokens, now: this.#options.wallTime() };
    return decideAccess(principal, check, state);
  }

  #check(principal: Principal, check: AccessCheck): void {
    const decision = this.#decide(principal, check);
    if (decision === "allowed") return;
    if (decision === "unauthorized") throw unauthorized(principal.credential !== "none");
    const where = check.environment === "*" ? "all environments" : check.environment;
    throw new LeverError(
      "forbidden",
      `Cannot allow this call: its token does not have the right "${check.right}" in ${where}.`,
    );
  }
}

function unauthorized(hasToken: boolean): LeverError {
  return new LeverError(
    "unauthorized",
    hasToken
      ? "Cannot accept this token: it is unknown, was revoked, or has expired."
      : "Cannot accept this call without a token. Send one as `authorization: Bearer <token>`.",
  );
}

/** Tokens are random and long, so that one round of a plain hash is as safe as many. */
export function tokenHash(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

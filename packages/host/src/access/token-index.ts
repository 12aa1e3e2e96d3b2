import { createHash } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { LeverError, type Right } from "@leveros/protocol";
import type { TokenRecord } from "../store/store.ts";
import { type AccessCheck, decideAccess, type Principal } from "./decide-access.ts";

/** By which browsers, which set no header on a WebSocket, hand a token over: a subprotocol that names it. */
const SUBPROTOCOL_PREFIX = "bearer.";

/** Between which addresses a request came. */
export interface Connection {
  readonly remoteAddress?: string | undefined;
  readonly localAddress?: string | undefined;
}

/** What the gateway knows of a request. */
export interface AccessRequest {
  readonly headers: IncomingHttpHeaders;
  /** HTTP's; undefined where there is but one. */
  readonly method?: string | undefined;
  /** undefined = it is closed already. */
  readonly socket: Connection | undefined;
}

/** Who asks, in a form that can go along with a call to the admin service: `""`, `local`, or a token's id. */
export type PrincipalId = string;

export interface TokenIndexOptions {
  /** Milliseconds since 1970. */
  readonly wallTime: () => number;
  /** Nobody but this machine reaches the host. */
  readonly isLocalOnly: boolean;
}

/** The tokens that there are, by their hashes, and who may do what with them. */
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
   * Lets a call of a service's method pass, or throws.
   * @throws LeverError `unauthorized`, `forbidden`
   */
  checkInvoke(request: AccessRequest, environment: string, isPublic: boolean): void {
    // The path of nearly every call on a laptop.
    const { authorization } = request.headers;
    if (this.#byId.size === 0 && authorization === undefined && this.#options.isLocalOnly) {
      if (!isForwarded(request.headers)) return;
    }
    this.#check(this.#principalOf(request), { right: "invoke", environment, isPublic });
  }

  /** True for a request that nothing lets in but where it comes from: without a token, while there is none. */
  isTrustedByAddress(request: AccessRequest): boolean {
    if (this.hasTokens) return false;
    const { credential, isLocal } = this.#principalOf(request);
    return credential === "none" && isLocal;
  }

  get hasTokens(): boolean {
    return this.#byId.size > 0;
  }

  /**
   * Who calls the admin service: it decides by method.
   * @throws LeverError `unauthorized` for those who may do nothing there.
   */
  adminPrincipal(request: AccessRequest): PrincipalId {
    const { credential, isLocal } = this.#principalOf(request);
    if (typeof credential === "object") return (credential as TokenRecord).id;
    if (credential === "none" && isLocal && !this.hasTokens) return "local";
    throw unauthorized(credential === "unknown");
  }

  /** @throws LeverError `unauthorized` (the token was revoked meanwhile), `forbidden` */
  checkAdmin(key: PrincipalId, right: Right, environment: string): void {
    const credential = key === "local" ? "none" : (this.#byId.get(key) ?? "unknown");
    this.#check({ credential, isLocal: key === "local" }, { right, environment, isPublic: false });
  }

  #principalOf({ headers, socket }: AccessRequest): Principal {
    const isLocal =
      (this.#options.isLocalOnly || (socket !== undefined && isSameMachine(socket))) &&
      !isForwarded(headers);
    const token = tokenOf(headers);
    const credential =
      token === undefined ? "none" : (this.#byHash.get(hashOf(token)) ?? "unknown");
    return { credential, isLocal };
  }

  #check(principal: Principal, wanted: AccessCheck): void {
    const { wallTime } = this.#options;
    const state = { hasTokens: this.#byId.size > 0, now: wallTime() };
    const decision = decideAccess(principal, wanted, state);
    if (decision === "allowed") return;
    if (decision === "unauthorized") throw unauthorized(principal.credential !== "none");
    const where = wanted.environment === "*" ? "all environments" : wanted.environment;
    throw new LeverError("forbidden", `This token does not allow "${wanted.right}" in ${where}.`);
  }
}

function unauthorized(hasToken: boolean): LeverError {
  return new LeverError(
    "unauthorized",
    hasToken
      ? "This token is not valid: it is unknown, was revoked, or has expired."
      : "A token is needed: send it as `authorization: Bearer <token>`.",
  );
}

/** Tokens are random and long: one round of a plain hash is as good as many. */
export function hashOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

function tokenOf(headers: IncomingHttpHeaders): string | undefined {
  const { authorization } = headers;
  if (authorization !== undefined) {
    const [, token] = /^bearer +(\S+) *$/i.exec(authorization) ?? [];
    // Whatever else it is, it is no token: not the same as nothing.
    return token ?? "";
  }
  const offered = headers["sec-websocket-protocol"];
  if (offered === undefined) return undefined;
  return offered
    .split(",")
    .map((name) => name.trim())
    .find((name) => name.startsWith(SUBPROTOCOL_PREFIX))
    ?.slice(SUBPROTOCOL_PREFIX.length);
}

/** A proxy on this machine stands for someone else. */
function isForwarded(headers: IncomingHttpHeaders): boolean {
  return headers["x-forwarded-for"] !== undefined || headers["forwarded"] !== undefined;
}

/** From loopback, or from the very address that it came to: no other machine can hold a connection from that. */
function isSameMachine({ remoteAddress, localAddress }: Connection): boolean {
  const address = withoutIpv6Mapping(remoteAddress);
  if (address === "") return false;
  return /^127\.|^::1$/.test(address) || address === withoutIpv6Mapping(localAddress);
}

/** An IPv4 address as such, also where it came in through a socket for IPv6; `""` for none. */
export function withoutIpv6Mapping(address = ""): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, "");
}

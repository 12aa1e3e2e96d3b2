import type { Right } from "@leveros/protocol";

/** The rights of a token. */
export interface Grant {
  /** `*` = all. */
  readonly environments: readonly string[];
  readonly rights: readonly Right[];
  /** Milliseconds since 1970; undefined = never. */
  readonly expiresAt: number | undefined;
}

/** The author of a request, as far as access depends on it. */
export interface Principal {
  /** The grant of the request's token; `unknown` = its token is not valid here; `none` = it has no token. */
  readonly credential: "none" | "unknown" | Grant;
  /** The connection comes from this machine, and not through a proxy. */
  readonly isLocal: boolean;
}

/** The access that a request needs. */
export interface AccessCheck {
  readonly right: Right;
  /** `*` = all of them. */
  readonly environment: string;
  /** Anyone may invoke this environment's services. */
  readonly isPublic: boolean;
}

export type Decision = "allowed" | "unauthorized" | "forbidden";

const IMPLIED: Readonly<Record<Right, readonly Right[]>> = {
  invoke: ["invoke"],
  look: ["look"],
  deploy: ["deploy", "look"],
  admin: ["admin", "deploy", "look", "invoke"],
};

/**
 * Decides access.
 *
 * - A1. A request with an unknown or expired token is refused, from any address, for any purpose.
 * - A2. A token allows its rights and those that they include, in its environments.
 * - A3. A request without a token may invoke services of public environments. From this machine it may do everything, as long
 *   as no token exists.
 */
export function decideAccess(
  { credential, isLocal }: Principal,
  check: AccessCheck,
  { hasTokens, now }: { hasTokens: boolean; now: number },
): Decision {
  if (credential === "unknown") return "unauthorized";
  if (credential === "none") {
    const isOpen = check.right === "invoke" && check.isPublic;
    return isOpen || (isLocal && !hasTokens) ? "allowed" : "unauthorized";
  }
  if (credential.expiresAt !== undefined && credential.expiresAt <= now) return "unauthorized";
  if (check.right === "invoke" && check.isPublic) return "allowed";
  const coversEnvironment =
    credential.environments.includes("*") || credential.environments.includes(check.environment);
  const coversRight = credential.rights.some((right) => IMPLIED[right].includes(check.right));
  return coversEnvironment && coversRight ? "allowed" : "forbidden";
}

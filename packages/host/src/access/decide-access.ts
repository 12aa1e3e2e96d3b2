import type { Right } from "@leveros/protocol";

/** What a token allows. */
export interface Grant {
  /** `*` = all. */
  readonly environments: readonly string[];
  readonly can: readonly Right[];
  /** Milliseconds since 1970; undefined = never. */
  readonly expiresAt: number | undefined;
}

/** Who asks. */
export interface Principal {
  /** What came with the call: nothing, something that is no token of this host (any more), or a token's grant. */
  readonly credential: "none" | "unknown" | Grant;
  /** The connection comes from this machine, and from no proxy. */
  readonly isLocal: boolean;
}

/** What is asked for. */
export interface AccessCheck {
  readonly right: Right;
  /** `*` = what concerns all of them. */
  readonly environment: string;
  /** Anyone may invoke this environment's services. */
  readonly isPublic: boolean;
}

export type Decision = "allowed" | "unauthorized" | "forbidden";

const IMPLIED: Readonly<Record<Right, readonly Right[]>> = {
  invoke: ["invoke"],
  deploy: ["deploy"],
  admin: ["admin", "deploy", "invoke"],
};

/**
 * Who may do what.
 *
 * - A1. A token that is not known, or has expired, is refused, whoever brings it, whatever it is for.
 * - A2. A token allows what it says, in the environments it says.
 * - A3. Without a token: invoking in a public environment; and everything, from this machine, while no token exists.
 */
export function decideAccess(
  { credential, isLocal }: Principal,
  wanted: AccessCheck,
  { hasTokens, now }: { hasTokens: boolean; now: number },
): Decision {
  if (credential === "unknown") return "unauthorized";
  if (credential === "none") {
    const isOpen = wanted.right === "invoke" && wanted.isPublic;
    return isOpen || (isLocal && !hasTokens) ? "allowed" : "unauthorized";
  }
  if (credential.expiresAt !== undefined && credential.expiresAt <= now) return "unauthorized";
  if (wanted.right === "invoke" && wanted.isPublic) return "allowed";
  const isThere =
    credential.environments.includes("*") || credential.environments.includes(wanted.environment);
  const may = credential.can.some((right) => IMPLIED[right].includes(wanted.right));
  return isThere && may ? "allowed" : "forbidden";
}

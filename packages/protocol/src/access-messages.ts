/** The replies of the admin service about access, as JSON. */

/**
 * The rights of a token.
 *
 * - `invoke`: call services.
 * - `look`: see what happens and what there is, and change nothing.
 * - `deploy`: deploy services. It includes `look`.
 * - `admin`: everything.
 */
export const rights: readonly ["invoke", "look", "deploy", "admin"] = [
  "invoke",
  "look",
  "deploy",
  "admin",
];
export type Right = (typeof rights)[number];

export function isRight(value: unknown): value is Right {
  return rights.some((right) => right === value);
}

/** A token in the reply of `listTokens`. */
export interface TokenListing {
  readonly id: string;
  /** `*` = all. */
  readonly environments: readonly string[];
  readonly rights: readonly Right[];
  readonly note: string;
  /** ISO 8601. */
  readonly createdAt: string;
  /** ISO 8601; absent = never. */
  readonly expiresAt?: string;
}

/** The reply of `createToken`. */
export interface CreatedToken extends TokenListing {
  /** The token itself. No other reply has it, and the host stores only its hash. */
  readonly token: string;
}

/** The reply of `whoAmI`. */
export interface Whoami {
  /** The token of the call; null = none: no token exists, and the caller is on the host's machine. */
  readonly token: TokenListing | null;
}

/** A change in the reply of `listAudit`, or one that was refused. */
export interface AuditEntry {
  /** ISO 8601. */
  readonly at: string;
  /** The id of a token; `local` = a caller on this machine, while no token existed; `reset` = `lever token reset`. */
  readonly principal: string;
  readonly method: string;
  /** `*` = all. */
  readonly environment: string;
  /** The name of the thing that was changed; `""` = the environment itself. */
  readonly target: string;
  /** The version that was deployed, made live, restarted or removed; absent = the change is of no version. */
  readonly version?: number | undefined;
  /** `done`, or the code of the error. */
  readonly outcome: string;
}

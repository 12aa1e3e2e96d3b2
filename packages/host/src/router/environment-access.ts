/** The rules for calls into an environment. */
export interface EnvironmentAccess {
  /** Origins whose pages may call; `*` = any. */
  readonly corsOrigins: ReadonlySet<string>;
  /** `platform` = Lever's own services: only callers from outside reach it, and no service can be deployed to it. */
  readonly kind: "services" | "platform";
  /** Anyone may invoke its services without a token. */
  readonly isPublic: boolean;
}

import { LeverError } from "@leveros/protocol";

/** The rules for calls into an environment. */
export interface EnvironmentAccess {
  /** Origins whose pages may call; `*` = any. */
  readonly corsOrigins: ReadonlySet<string>;
  /** `platform` = Lever's own services: only callers from outside reach it, and no service can be deployed to it. */
  readonly kind: "services" | "platform";
  /** Anyone may invoke its services without a token. */
  readonly isPublic: boolean;
}

/** The error of a call into an environment that does not exist. */
export function unknownEnvironment(name: string): LeverError {
  return new LeverError("unknown_environment", `There is no environment ${name}.`);
}

import type { HostStatus } from "@leveros/protocol";

/** Counts and sums of the host's parts, which the admin service has itself. */
type Counted = "uptimeMs" | "environments" | "services" | "instances" | "memory" | "warnings";

/** The facts about a host that only its composition root has. */
export interface HostFacts extends Omit<HostStatus, Counted> {
  /** Why instances are not in containers, when the host chose that. */
  readonly isolationReason: string | undefined;
  /** Why all services run as Lever's user; undefined = each has its own. */
  readonly sharedUserReason: string | undefined;
  /** The end of the certificate, milliseconds since 1970; undefined = without TLS. */
  readonly certificateEndsAt: number | undefined;
  /** The command that creates the first token, where other machines reach a host that has none. */
  readonly firstTokenCommand: string | undefined;
}

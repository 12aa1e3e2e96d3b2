import type { HostEvent } from "@leveros/protocol";
import { isoTime } from "../clock.ts";
import type { HostFacts } from "./host-facts.ts";

/** With less than this share of the disk, or fewer bytes, deploys and writes of services will soon fail. */
const DISK_SHARE_MIN = 0.05;
const DISK_BYTES_MIN = 1e9;
const CERTIFICATE_MS_MIN = 14 * 86_400_000;
/** Older events may be over. */
export const EVENT_AGE_MAX_MS = 3_600_000;
const NAMES_SHOWN_MAX = 5;

/** Events that say that something of the host does not work. */
const eventWarnings: ReadonlyMap<string, string> = new Map([
  [
    "secrets not readable",
    "The key of secrets is lost or another one: services with secrets do not start.",
  ],
  [
    "store file lost",
    "The database was removed while Lever runs. Lever writes it again when it stops.",
  ],
  [
    "clocks apart",
    "The clocks of this machine and of the cluster's database differ. See: lever events",
  ],
  ["store copy failed", "The copy of the database could not be made."],
  ["certificate not replaced", "The files of the certificate have changed, and cannot be used."],
]);

/** The event says that something of the host does not work. */
export function isHostWarning({ event }: Pick<HostEvent, "event">): boolean {
  return eventWarnings.has(event);
}

/** Things that an operator should see to, each in one sentence or two. `failing`: services whose instances fail. `events`: recent ones. */
export function hostWarnings(
  facts: HostFacts,
  {
    failing,
    events,
    now,
  }: { failing: readonly string[]; events: readonly HostEvent[]; now: number },
): readonly string[] {
  const { disk, workers, isolationReason, sharedUserReason, certificateEndsAt } = facts;
  const warnings: string[] = [];
  const gigabytes = (disk.freeBytes / 1e9).toFixed(1);
  if (disk.freeBytes < Math.max(DISK_BYTES_MIN, disk.totalBytes * DISK_SHARE_MIN)) {
    warnings.push(
      `The disk of ${disk.dataDir} has ${gigabytes} GB left. Deploys and writes of services fail when it is full.`,
    );
  }
  if (facts.firstTokenCommand !== undefined) {
    warnings.push(
      `No token exists, so other machines can only call open environments. Create the first one with: ${facts.firstTokenCommand}`,
    );
  }
  if (workers.running < workers.wanted) {
    warnings.push(
      `${workers.running} of ${workers.wanted} workers accept connections. See: lever events`,
    );
  }
  if (isolationReason !== undefined) {
    warnings.push(
      `Instances run as processes, which does not protect against hostile code. ${isolationReason} See: lever doctor`,
    );
  }
  if (sharedUserReason !== undefined) {
    warnings.push(`All services run as the same user as Lever: ${sharedUserReason}.`);
  }
  if (certificateEndsAt !== undefined && certificateEndsAt - now < CERTIFICATE_MS_MIN) {
    warnings.push(`The certificate ends at ${isoTime(certificateEndsAt)}.`);
  }
  if (failing.length > 0)
    warnings.push(`Instances fail one after the other: ${shortList(failing)}. See: lever ls`);
  for (const [event, sentence] of eventWarnings) {
    const found = events.findLast((of) => of.event === event);
    if (found !== undefined) {
      const reason = found["reason"];
      warnings.push(typeof reason === "string" ? `${sentence} ${reason}` : sentence);
    }
  }
  return warnings;
}

function shortList(names: readonly string[]): string {
  const more = names.length - NAMES_SHOWN_MAX;
  const shown = names.slice(0, NAMES_SHOWN_MAX).join(", ");
  return more > 0 ? `${shown} and ${more} more` : shown;
}

import { randomBytes } from "node:crypto";
import { statSync } from "node:fs";
import { LeverError } from "@leveros/protocol";
import { type Clock, delay } from "../clock.ts";
import type { HostNotes } from "../store/host-notes.ts";
import { RENEW_EVERY_MS } from "./lease.ts";
import type { MemberRow } from "./postgres-leases.ts";

/** Host notes. */
const ID = "host id";
const PLACE = "host place";
const INCARNATION = "host incarnation";
export const IDENTITY_NOTES: readonly string[] = [ID, PLACE, INCARNATION];

const ID_BYTES = 8;
/** A host that lives renews within it. */
const WATCH_MS = 2.5 * RENEW_EVERY_MS;

/** This host as it was named when its data folder was first used in a cluster. */
export interface HostIdentity {
  readonly id: string;
  /** The folder is where it was at the last start, so its lock shows that no other host has the id. */
  readonly isInPlace: boolean;
  /** Writes a number that is higher than all before. */
  nextIncarnation(): Promise<number>;
}

type Notes = Pick<HostNotes, "read" | "write">;

/** `bootId` distinguishes machines, also those with equal disks. */
export async function readIdentity(
  notes: Notes,
  options: {
    readonly storeFile: string;
    readonly bootId: string | undefined;
    /** The data folder is a copy that gets a name of its own. */
    readonly isNew: boolean;
  },
): Promise<HostIdentity> {
  const { dev, ino } = statSync(options.storeFile);
  const place = `${options.bootId} ${dev} ${ino}`;
  const known = options.isNew ? undefined : await notes.read(ID);
  const id = known ?? randomBytes(ID_BYTES).toString("hex");
  if (known === undefined) {
    await notes.write(INCARNATION, "0");
    await notes.write(ID, id);
  }
  const isInPlace = known === undefined || (await notes.read(PLACE)) === place;
  await notes.write(PLACE, place);
  return {
    id,
    isInPlace,
    async nextIncarnation() {
      const next = Number((await notes.read(INCARNATION)) ?? 0) + 1;
      await notes.write(INCARNATION, String(next));
      return next;
    },
  };
}

/**
 * Watches for a while whether the lease of this id is renewed: then another host lives that uses a copy of the data folder.
 * @throws LeverError `conflict`
 */
export async function refuseCopy(
  id: string,
  leases: { hosts(): Promise<readonly MemberRow[]> },
  clock: Clock,
): Promise<void> {
  const rowNow = async (): Promise<MemberRow | undefined> =>
    (await leases.hosts()).find((row) => row.id === id && row.state === "active");
  const before = await rowNow();
  if (before === undefined || before.renewedAgoMs > WATCH_MS) return;
  await delay(clock, WATCH_MS);
  const after = await rowNow();
  if (after === undefined || after.renewal === before.renewal) return;
  throw new LeverError(
    "conflict",
    `Cannot join the cluster: the host ${after.name} lives and uses a copy of this data folder. To give this one a name of its own, start it with --new-identity and another --host-name.`,
  );
}

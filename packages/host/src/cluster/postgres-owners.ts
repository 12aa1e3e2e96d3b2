import { createHash } from "node:crypto";
import { LeverError, serviceKey } from "@leveros/protocol";
import { numberOf, type Row, textOf } from "../store/rows.ts";
import type { ClaimAnswer } from "./ownership.ts";
import type { PostgresPool } from "./postgres-pool.ts";
import type { PostgresSession } from "./postgres-session.ts";

export interface ResourcePlace {
  readonly environment: string;
  readonly service: string;
  readonly resource: string;
}

/** One start of a host. */
export interface Claimer {
  readonly host: string;
  readonly incarnation: number;
}

/** The database's answer. A claim without one throws. */
type ClaimResult = Exclude<ClaimAnswer, { kind: "unknown" }>;

/**
 * A claim. Each part of it is needed; the contract suite shows how it breaks without:
 *
 * - One statement: the row of the resource is locked while the owner is judged.
 * - The claimer's own row is locked FOR KEY SHARE: fencing it waits for the claim, and renewing it does not.
 * - The update takes a new epoch from the sequence. The one of the insert was drawn before the claim waited for the row, and may be
 *   too low.
 * - The owner is over if the host has a higher incarnation, or the same one that is not active.
 */
const CLAIM = `
  INSERT INTO owners AS o (key, environment, service, resource, host, incarnation, epoch)
  SELECT $1, $2, $3, $4, m.id, m.incarnation, nextval('epochs')
  FROM (SELECT id, incarnation FROM hosts
        WHERE id = $5 AND incarnation = $6 AND state = 'active' FOR KEY SHARE) m
  ON CONFLICT (key) DO UPDATE
  SET host = excluded.host, incarnation = excluded.incarnation, epoch = nextval('epochs'), released = false
  WHERE o.released
    OR (o.host = excluded.host AND o.incarnation = excluded.incarnation)
    OR EXISTS (SELECT FROM hosts h WHERE h.id = o.host
         AND (h.incarnation > o.incarnation OR (h.incarnation = o.incarnation AND h.state <> 'active')))
  RETURNING epoch`;

const OWNER = `
  SELECT m."isActive", o.host, o.incarnation, o.epoch,
    o.released OR EXISTS (SELECT FROM hosts h WHERE h.id = o.host
      AND (h.incarnation > o.incarnation OR (h.incarnation = o.incarnation AND h.state <> 'active'))) AS "isFree"
  FROM (SELECT EXISTS (SELECT FROM hosts WHERE id = $2 AND incarnation = $3 AND state = 'active') AS "isActive") m
  LEFT JOIN owners o ON o.key = $1`;

/** A refused claim whose resource has become free meanwhile is tried again. */
const ATTEMPTS_MAX = 3;

/** The row stays: with it, the next owner's epoch is drawn behind its lock. */
const RELEASE = `
  UPDATE owners SET released = true
  WHERE key = $1 AND host = $2 AND incarnation = $3 AND epoch = $4 AND NOT released`;

const OWNED = `
  SELECT environment, service, resource, epoch FROM owners
  WHERE host = $1 AND incarnation = $2 AND NOT released ORDER BY epoch`;

/** Owners of resources. Epochs only grow. Every method throws LeverError `unavailable`: the statement may run later, then. */
export class PostgresOwners {
  readonly #pool: PostgresPool;

  constructor(pool: PostgresPool) {
    this.#pool = pool;
  }

  async claim(place: ResourcePlace, { host, incarnation }: Claimer): Promise<ClaimResult> {
    return await this.#pool.use("claim the resource", async (session) => {
      const key = keyOf(place);
      const { environment, service, resource } = place;
      const values = [key, environment, service, resource, host, incarnation];
      for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
        const { rows } = await session.query(CLAIM, values);
        if (rows[0] !== undefined) return { kind: "claimed", epoch: numberOf(rows[0]["epoch"]) };
        const refusal = await readRefusal(session, [key, host, incarnation]);
        if (refusal !== undefined) return refusal;
      }
      throw new LeverError("unavailable", "Cannot claim the resource: others claim it, too.", {
        retryAfterSeconds: 1,
      });
    });
  }

  /** False = the incarnation does not own the resource with this epoch. */
  async release(place: ResourcePlace, owner: Claimer & { epoch: number }): Promise<boolean> {
    const values = [keyOf(place), owner.host, owner.incarnation, owner.epoch];
    return await this.#pool.use(
      "release the resource",
      async (session) => (await session.query(RELEASE, values)).count === 1,
    );
  }

  /** The resources that an incarnation owns, also by claims whose answer it did not get. */
  async owned({
    host,
    incarnation,
  }: Claimer): Promise<readonly (ResourcePlace & { epoch: number })[]> {
    return await this.#pool.use("read the resources of this host", async (session) => {
      const { rows } = await session.query(OWNED, [host, incarnation]);
      return rows.map((row) => ({
        environment: textOf(row["environment"]),
        service: textOf(row["service"]),
        resource: textOf(row["resource"]),
        epoch: numberOf(row["epoch"]),
      }));
    });
  }
}

/** undefined = the resource has become free since the claim was refused. */
async function readRefusal(
  session: PostgresSession,
  values: readonly [key: string, host: string, incarnation: number],
): Promise<ClaimResult | undefined> {
  const { rows } = await session.query(OWNER, values);
  const [row = {}] = rows;
  if (row["isActive"] !== true) return { kind: "notActive" };
  if (row["isFree"] !== false) return undefined;
  return { kind: "owned", host: textOf(row["host"]), ...numbersOf(row) };
}

function numbersOf(row: Row): { incarnation: number; epoch: number } {
  return { incarnation: numberOf(row["incarnation"]), epoch: numberOf(row["epoch"]) };
}

/** Names of resources may have 16 KiB. No name of an environment or a service has a slash. */
function keyOf({ environment, service, resource }: ResourcePlace): string {
  const name = `${serviceKey(environment, service)}/${resource}`;
  return createHash("sha256").update(name).digest("base64url");
}

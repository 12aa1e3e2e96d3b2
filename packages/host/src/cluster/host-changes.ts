import { type HostChange, LeverError } from "@leveros/protocol";
import { HOST_LEASE_MS, RENEW_EVERY_MS } from "./lease.ts";
import { TAKE_OVER_AFTER_MS } from "./membership.ts";
import type { MemberRow, PostgresLeases } from "./postgres-leases.ts";

/** After its last renewal, with the time until the next one of the host that fences. */
const SECONDS_TO_FENCE = Math.ceil((TAKE_OVER_AFTER_MS + RENEW_EVERY_MS) / 1_000);

type Leases = Pick<PostgresLeases, "hosts" | "drain" | "resume" | "remove">;

const WITHOUT_LEASE = "it has no lease, and its resources go to other hosts by themselves";
const RUNS = "it runs. Stop it first: it leaves in order";
const MAY_COME_BACK = `it may come back. Another host fences it within ${SECONDS_TO_FENCE} s: try again then`;

/** Changes of hosts that operators make, on any host. Hosts are named by their name or id. */
export class HostChanges {
  readonly #leases: Leases;
  readonly #onChanged: () => Promise<unknown>;

  /** `onChanged`: the host of the operator reads the table of hosts, so that its lists show the change. */
  constructor(leases: Leases, onChanged: () => Promise<unknown>) {
    this.#leases = leases;
    this.#onChanged = onChanged;
  }

  /**
   * Has a host give its resources and calls to the others. It sees that with its next renewal.
   * @throws LeverError `not_found`, `conflict` with what to do; `unavailable`
   */
  async drain(nameOrId: string): Promise<HostChange> {
    const host = await this.#find(nameOrId, { action: "drain", comesFirst: isActive });
    if (host.state === "left") throw refused("drain", host, "it has left the cluster");
    if (!hasLease(host)) throw refused("drain", host, WITHOUT_LEASE);
    if (host.isDraining) return changeOf(host, false);
    const isDone = await this.#leases.drain(host.id, { olderThanMs: TAKE_OVER_AFTER_MS });
    if (isDone) return await this.#changed(host);
    throw refused("drain", host, "no other host would take its calls. Start or resume another one");
  }

  /** Lets a host take calls again. @throws LeverError `not_found`, `conflict` with what to do; `unavailable` */
  async resume(nameOrId: string): Promise<HostChange> {
    const comesFirst = ({ isDraining }: MemberRow): boolean => isDraining;
    const host = await this.#find(nameOrId, { action: "resume", comesFirst });
    if (await this.#leases.resume(host.id)) return await this.#changed(host);
    throw refused("resume", host, "it was not drained");
  }

  /**
   * Takes a host that is gone off the list. It comes back when it starts again.
   * @throws LeverError `not_found`, `conflict` with what to do; `unavailable`
   */
  async remove(nameOrId: string): Promise<HostChange> {
    const comesFirst = (of: MemberRow): boolean => !isActive(of);
    const host = await this.#find(nameOrId, { action: "remove", comesFirst });
    if (isActive(host)) throw refused("remove", host, hasLease(host) ? RUNS : MAY_COME_BACK);
    if (await this.#leases.remove(host.id)) return await this.#changed(host);
    throw refused("remove", host, "it has come back meanwhile");
  }

  async #changed(host: MemberRow): Promise<HostChange> {
    // Without an answer, the next renewal reads it.
    await this.#onChanged().catch(() => {});
    return changeOf(host, true);
  }

  /** Hosts that are gone may have left their names to others: the one that `comesFirst` is meant. */
  async #find(
    nameOrId: string,
    { action, comesFirst }: { action: string; comesFirst: (host: MemberRow) => boolean },
  ): Promise<MemberRow> {
    const hosts = await this.#leases.hosts();
    const byId = hosts.find(({ id }) => id === nameOrId);
    if (byId !== undefined) return byId;
    const named = hosts.filter(({ name }) => name === nameOrId);
    const meant = named.filter(comesFirst);
    const [host, ...others] = meant.length > 0 ? meant : named;
    if (host === undefined) {
      const names = [...new Set(hosts.map(({ name }) => name))].toSorted().join(", ");
      throw new LeverError(
        "not_found",
        `Cannot ${action} the host ${nameOrId}: the cluster has none of this name. It has: ${names}.`,
      );
    }
    if (others.length === 0) return host;
    const ids = [host, ...others].map(({ id }) => id).join(", ");
    throw refused(action, host, `several have this name. Give the id of one: ${ids}`);
  }
}

function isActive({ state }: MemberRow): boolean {
  return state === "active";
}

function hasLease({ state, renewedAgoMs }: MemberRow): boolean {
  return state === "active" && renewedAgoMs < HOST_LEASE_MS;
}

function changeOf({ name, id }: MemberRow, isChanged: boolean): HostChange {
  return { host: name, id, isChanged };
}

function refused(action: string, { name }: MemberRow, why: string): LeverError {
  return new LeverError("conflict", `Cannot ${action} the host ${name}: ${why}.`);
}

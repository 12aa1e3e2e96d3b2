import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, it } from "vitest";
import { VirtualClock } from "../../../../tests/harness/virtual-clock.ts";
import { Member } from "./member.ts";
import type { AnnouncedHost, MemberRow } from "./postgres-leases.ts";
import { SHARED_VERSIONS, type SharedVersions } from "./shared-versions.ts";

/** A database with the rows of hosts. */
class World {
  readonly clock: VirtualClock = new VirtualClock();
  readonly rows = new Map<string, MemberRow>();
  readonly events: string[] = [];
  readonly fenced: string[] = [];
  isAway = false;
  #incarnation = 0;

  readonly leases = {
    join: async (host: AnnouncedHost): Promise<boolean> => {
      this.check();
      const { incarnation = 0 } = this.rows.get(host.id) ?? {};
      if (incarnation >= host.incarnation) return false;
      const facts = { state: "active", renewal: 0, renewedAgoMs: 0, isIdle: false } as const;
      const { isDraining = false } = this.rows.get(host.id) ?? {};
      this.rows.set(host.id, { ...host, ...facts, isDraining });
      return true;
    },
    hosts: async (): Promise<MemberRow[]> => {
      this.check();
      return [...this.rows.values()];
    },
    renew: async ({ id, incarnation }: Pick<AnnouncedHost, "id" | "incarnation">) => {
      this.check();
      const row = this.rows.get(id);
      const isRenewed = row?.incarnation === incarnation && row.state === "active";
      if (isRenewed) this.rows.set(id, { ...row, renewal: row.renewal + 1 });
      return { isRenewed, session: "s", hosts: [...this.rows.values()] };
    },
    fence: async ({ id }: Pick<MemberRow, "id">): Promise<boolean> => {
      this.fenced.push(id);
      this.set(id, { state: "fenced" });
      return true;
    },
    leave: async ({ id }: Pick<AnnouncedHost, "id">): Promise<boolean> => {
      const row = this.rows.get(id);
      if (row !== undefined) this.rows.set(id, { ...row, state: "left" });
      return true;
    },
  };

  check(): void {
    if (this.isAway) throw new Error("away");
  }

  host(id = "a", name = id, more: Partial<SharedVersions> = {}): Member {
    return new Member({
      id,
      name,
      leases: this.leases,
      announce: () => ({
        address: "",
        fingerprint: "",
        version: "1.0.0",
        ...SHARED_VERSIONS,
        ...more,
      }),
      nextIncarnation: async () => ++this.#incarnation,
      appliedRevision: () => 0,
      now: () => ({ bootMs: this.clock.now(), monotonicMs: this.clock.now() }),
      clock: this.clock,
      log: (_level, _part, event) => this.events.push(event),
    });
  }

  async seconds(count: number): Promise<void> {
    for (let second = 0; second < count; second++) {
      await nextTurn();
      this.clock.advance(1_000);
      await nextTurn();
    }
  }

  set(id: string, row: Partial<MemberRow>): void {
    const before = this.rows.get(id);
    if (before !== undefined) this.rows.set(id, { ...before, ...row });
  }
}

it("a host renews its lease each second, and leaves in order", async () => {
  const world = new World();
  const member = world.host();
  await member.join();
  member.start();
  await world.seconds(3);
  expect(world.rows.get("a")?.renewal).toBeGreaterThanOrEqual(4);
  expect(member.right()).toBe("own");
  await member.close();
  expect(world.rows.get("a")?.state).toBe("left");
});

it("a host without the database loses its right in time, and gets it back", async () => {
  const world = new World();
  const member = world.host();
  const rights: string[] = [];
  member.rightChanged.add((right) => rights.push(right));
  await member.join();
  member.start();
  world.isAway = true;
  await world.seconds(7);
  expect(rights).toEqual(["own", "finish"]);
  await world.seconds(2);
  expect(rights).toEqual(["own", "finish", "none"]);
  world.isAway = false;
  await world.seconds(2);
  expect(rights.at(-1)).toBe("own");
  expect(world.events).toEqual(["cluster joined", "lease not renewed", "lease renewed again"]);
  await member.close();
});

it("a host that was fenced joins again, when everything that it owned has ended", async () => {
  const world = new World();
  const member = world.host();
  let owners = 0;
  member.ownersCount = () => owners;
  let isOver = false;
  member.over.add(() => {
    isOver = true;
  });
  await member.join();
  owners = 1;
  member.start();
  world.set("a", { state: "fenced" });
  await world.seconds(2);
  expect([isOver, member.lease, world.rows.get("a")?.incarnation]).toEqual([true, undefined, 1]);
  owners = 0;
  await world.seconds(2);
  expect([member.right(), world.rows.get("a")?.incarnation]).toEqual(["own", 2]);
  await member.close();
});

it("a host whose id another one has taken stays away", async () => {
  const world = new World();
  const member = world.host();
  await member.join();
  member.start();
  world.set("a", { incarnation: 7 });
  await world.seconds(3);
  expect(world.events).toContain("host replaced");
  expect(world.rows.get("a")?.incarnation).toBe(7);
  await member.close();
  expect(world.rows.get("a")?.state).toBe("active");
});

it("a host that is silent for long is fenced", async () => {
  const world = new World();
  const member = world.host();
  const other = world.host("b");
  await other.join();
  await member.join();
  member.start();
  world.set("b", { renewedAgoMs: 60_000 });
  await world.seconds(11);
  expect(world.fenced).toEqual([]);
  await world.seconds(2);
  expect(world.fenced[0]).toBe("b");
  await member.close();
});

it("a host is fenced as soon as its lease is over, and the hosts are read again at once", async () => {
  const world = new World();
  const member = world.host();
  const other = world.host("b");
  await other.join();
  await member.join();
  member.start();
  world.set("b", { renewedAgoMs: 60_000 });
  await world.seconds(11);
  const before = world.rows.get("a")?.renewal ?? 0;
  // Seen first at 0, by a clock with steps of 10 ms.
  world.clock.advance(211);
  await nextTurn();
  expect(world.fenced).toEqual(["b"]);
  await nextTurn();
  expect(world.rows.get("a")?.renewal).toBe(before + 2);
  await member.close();
});

it("a host emits that it is drained, also at its next start, and that it is wanted again", async () => {
  const world = new World();
  const seen: boolean[] = [];
  for (const changes of [[true], [true, false]]) {
    const member = world.host();
    member.drainChanged.add((isDraining) => seen.push(isDraining));
    await member.join();
    member.start();
    for (const isDraining of changes) {
      world.set("a", { isDraining });
      await world.seconds(2);
    }
    await member.close();
  }
  expect(seen).toEqual([true, true, false]);
  expect(world.events).toEqual([
    ...["cluster joined", "host draining"],
    ...["host draining", "cluster joined", "host resumed"],
  ]);
});

it("a second host with a name is refused", async () => {
  const world = new World();
  await world.host("a", "one").join();
  await expect(world.host("b", "one").join()).rejects.toThrow(
    "it has a host one already. Choose another name with --host-name.",
  );
});

it.each([
  [
    { oldest: 2, newest: 3 },
    { oldest: 4, newest: 5 },
    "First update a to a Lever between these two.",
  ],
  [{ oldest: 4, newest: 4 }, { oldest: 1, newest: 3 }, "Update Lever on this host."],
])("beside a host with the links %j, one with %j is refused", async (links, own, remedy) => {
  const world = new World();
  await world.host("a", "a", { links }).join();
  const joining = world.host("b", "b", { links: own }).join();
  await expect(joining).rejects.toThrow(
    /^Cannot join the cluster: its host a \(Lever 1.0.0\) uses /,
  );
  await expect(joining).rejects.toThrow(remedy);
  await world.host("c", "c", { links: { oldest: 1, newest: 9 } }).join();
  expect(world.rows.size).toBe(2);
});

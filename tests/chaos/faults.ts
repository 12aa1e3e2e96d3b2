import { setTimeout as delay } from "node:timers/promises";
import { sendSignal } from "../harness/child-processes.ts";
import type { ChaosHost } from "./chaos-host.ts";
import type { ChaosWorld } from "./chaos-world.ts";

/** Where it happens. Two faults of different parts may happen at once. */
type FaultPart = "host" | "instance" | "network" | "database";

export interface Fault {
  readonly name: string;
  readonly part: FaultPart;
  /** No other fault happens meanwhile. */
  readonly isAlone?: true;
  /** Resolves when the fault is over. */
  run(world: ChaosWorld, random: () => number): Promise<void>;
}

/** Shorter than a host may be away without losing its lease, and longer than others wait to take over. */
const SHORT = [1, 5] as const;
const LONG = [13, 16] as const;
type Seconds = readonly [number, number];

const shortOrLong = (random: () => number): Seconds => (random() < 0.5 ? SHORT : LONG);

const wait = async (random: () => number, [from, to]: Seconds): Promise<void> => {
  await delay(1_000 * (from + random() * (to - from)));
};

function pick<Item>(random: () => number, items: readonly Item[]): Item {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new Error("There is nothing to choose from.");
  return item;
}

/** Two different hosts. */
function pickTwo(random: () => number, hosts: readonly ChaosHost[]): [ChaosHost, ChaosHost] {
  const first = pick(random, hosts);
  return [
    first,
    pick(
      random,
      hosts.filter((host) => host !== first),
    ),
  ];
}

/** Stops processes for some time. They go on when this process ends meanwhile, too. */
async function pause(
  send: (signal: "SIGSTOP" | "SIGCONT") => void,
  work: () => Promise<void>,
): Promise<void> {
  const resume = (): void => send("SIGCONT");
  process.once("exit", resume);
  send("SIGSTOP");
  try {
    await work();
  } finally {
    process.off("exit", resume);
    resume();
  }
}

const pausePid = (pid: number, work: () => Promise<void>): Promise<void> =>
  pause((signal) => sendSignal(pid, signal), work);

const killed = (name: string, seconds: Seconds): Fault => ({
  name,
  part: "host",
  run: async ({ hosts }, random) => {
    const host = pick(random, hosts);
    await host.disturb(async () => {
      await host.kill();
      await wait(random, seconds);
      await host.start();
    });
  },
});

const paused = (name: string, seconds: Seconds): Fault => ({
  name,
  part: "host",
  run: async ({ hosts }, random) => {
    const host = pick(random, hosts);
    const send = (signal: NodeJS.Signals): void => host.signal(signal);
    await host.disturb(() => pause(send, () => wait(random, seconds)));
  },
});

/** The pid of an instance that owns resources; undefined = the host has none now. */
async function pickInstance(world: ChaosWorld, random: () => number): Promise<number | undefined> {
  const listed = await world.admin(pick(random, world.hosts), "listInstances", "dev.lever", "book");
  return listed.isDone ? listed.value.instances[0]?.pid : undefined;
}

/** What one machine sends the others is lost, in one direction or both. */
const cut = (
  name: string,
  { ends, isOneWay }: { readonly ends: CutEnds; readonly isOneWay: boolean },
): Fault => ({
  name,
  part: "network",
  run: async (world, random) => {
    const { machines } = world;
    const { from, to, disturbed } = ends(world, random);
    const isBackward = isOneWay && random() < 0.5;
    await disturb(disturbed, async () => {
      for (const other of to) {
        if (!isBackward) machines.lose(from, other);
        if (!isOneWay || isBackward) machines.lose(other, from);
      }
      await wait(random, shortOrLong(random));
      machines.heal();
    });
  },
});

interface CutMachines {
  readonly from: string;
  readonly to: readonly string[];
  /** Its callers get no answers meanwhile. */
  readonly disturbed?: ChaosHost;
}

type CutEnds = (world: ChaosWorld, random: () => number) => CutMachines;

async function disturb(host: ChaosHost | undefined, work: () => Promise<void>): Promise<void> {
  if (host === undefined) await work();
  else await host.disturb(work);
}

const fromDatabase: CutEnds = ({ hosts, database }, random) => ({
  from: pick(random, hosts).name,
  to: database.machines,
});

const fromOtherHost: CutEnds = ({ hosts }, random) => {
  const [first, second] = pickTwo(random, hosts);
  return { from: first.name, to: [second.name] };
};

const fromHostsAndDatabase: CutEnds = ({ hosts, database }, random) => {
  const host = pick(random, hosts);
  const others = hosts.filter((other) => other !== host).map(({ name }) => name);
  return { from: host.name, to: [...others, ...database.machines] };
};

const fromCallers: CutEnds = ({ hosts }, random) => {
  const host = pick(random, hosts);
  return { from: host.name, to: ["callers"], disturbed: host };
};

export const faults: readonly Fault[] = [
  killed("host killed, started at once", [0, 0]),
  killed("host killed, started after its lease", LONG),
  paused("host paused for a moment", SHORT),
  paused("host paused longer than its lease", LONG),
  {
    name: "keeper killed",
    part: "host",
    run: async ({ hosts }, random) => {
      const { keeperPid } = pick(random, hosts);
      if (keeperPid !== undefined) sendSignal(keeperPid, "SIGKILL");
      await wait(random, SHORT);
    },
  },
  {
    name: "keeper paused",
    part: "host",
    run: async ({ hosts }, random) => {
      const { keeperPid } = pick(random, hosts);
      if (keeperPid === undefined) return;
      await pausePid(keeperPid, () => wait(random, shortOrLong(random)));
    },
  },
  {
    name: "instance killed",
    part: "instance",
    run: async (world, random) => {
      const pid = await pickInstance(world, random);
      if (pid !== undefined) sendSignal(pid, "SIGKILL");
      await wait(random, SHORT);
    },
  },
  {
    name: "instance paused",
    part: "instance",
    run: async (world, random) => {
      const pid = await pickInstance(world, random);
      if (pid === undefined) return;
      await pausePid(pid, () => wait(random, SHORT));
    },
  },
  cut("host cut from the database", { ends: fromDatabase, isOneWay: false }),
  cut("host cut from the database, one way", { ends: fromDatabase, isOneWay: true }),
  cut("two hosts cut from each other", { ends: fromOtherHost, isOneWay: false }),
  cut("two hosts cut from each other, one way", { ends: fromOtherHost, isOneWay: true }),
  cut("host cut from hosts and database", { ends: fromHostsAndDatabase, isOneWay: false }),
  cut("host cut from callers", { ends: fromCallers, isOneWay: false }),
  {
    name: "link of a host down",
    part: "network",
    run: async ({ machines, hosts }, random) => {
      const host = pick(random, hosts);
      await host.disturb(async () => {
        machines.unplug(host.name);
        await wait(random, shortOrLong(random));
        machines.heal();
      });
    },
  },
  {
    name: "database killed, started at once",
    part: "database",
    run: async ({ database: { primary } }) => {
      await primary.stop();
      await primary.start();
    },
  },
  {
    name: "database paused",
    part: "database",
    run: async ({ database: { primary } }, random) => {
      const send = (signal: NodeJS.Signals): void => primary.signal(signal);
      await pause(send, () => wait(random, shortOrLong(random)));
    },
  },
  {
    name: "standby lost, and given up by its manager",
    part: "database",
    run: async ({ database }, random) => {
      const { primary, standby } = database;
      await standby.stop();
      await wait(random, [1, 3]);
      await primary.waitForStandby("");
      await wait(random, SHORT);
      await standby.start();
      await database.waitForStandby();
    },
  },
  {
    name: "standby promoted, and the former primary comes back",
    part: "database",
    isAlone: true,
    run: async (world, random) => {
      const { database } = world;
      await database.failOver();
      // Each host has seen the new primary. A fail-over manager keeps the former one from hosts that have not.
      await world.settle();
      // It takes writes, and no host may use it.
      await database.standby.start();
      await wait(random, [2, 4]);
      await database.rebuild();
    },
  },
];

/** The faults of a round: mostly one, and else two of different parts. */
export function chooseFaults(random: () => number, from: readonly Fault[]): readonly Fault[] {
  const first = pick(random, from);
  const others = from.filter((other) => other.part !== first.part && other.isAlone !== true);
  if (first.isAlone === true || others.length === 0 || random() < 0.7) return [first];
  return [first, pick(random, others)];
}

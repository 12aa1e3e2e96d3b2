import { faultsIn, type PlantedFault } from "../planted-fault.ts";

const LEASE = "host/src/cluster/lease.test.ts";
const MEMBERSHIP = "host/src/cluster/membership.test.ts";
const OWNERSHIP = "host/src/cluster/ownership.test.ts";
const KEEPER = "host/src/keeper/decide-keeper.test.ts";
const ACKNOWLEDGEMENTS = "host/src/cluster/acknowledgements.test.ts";
const SERVER = "host/src/cluster/choose-server.test.ts";
const ENTRY = "host/src/cluster/decide-entry.test.ts";
const KEY = "host/src/cluster/cluster-key.test.ts";
const MEMBER = "host/src/cluster/member.test.ts";
const REPLICA = "host/src/cluster/replica.test.ts";
const OWNERS = "host/src/cluster/postgres-owners.test.ts";

export const clusterFaults: readonly PlantedFault[] = [
  ...faultsIn("host/src/cluster/lease.ts", [
    [
      "A lease goes on while its machine sleeps.",
      "lease === undefined || hasSlept(lease.sentAt, now)",
      "lease === undefined",
      LEASE,
    ],
    [
      "A renewal that was sent earlier shortens the lease.",
      "return isNewer ? renewal : lease;",
      "return renewal;",
      LEASE,
    ],
    [
      "A claim of an earlier incarnation opens a resource.",
      "lease?.incarnation === claim.incarnation && resourceRight",
      "claim.incarnation > 0 && resourceRight",
      LEASE,
      OWNERSHIP,
    ],
  ]),
  ...faultsIn("host/src/cluster/membership.ts", [
    [
      "Hosts are fenced by the database's clock alone.",
      "return sentAt.bootMs - sinceMs > TAKE_OVER_AFTER_MS;",
      "return sentAt.bootMs - sinceMs > Number.NEGATIVE_INFINITY;",
      MEMBERSHIP,
    ],
    [
      "Other hosts are watched on while own renewals are missed.",
      "sentAt.bootMs - before.lastSentAtMs <= RENEWAL_GAP_MS_MAX",
      "sentAt.bootMs >= before.lastSentAtMs",
      MEMBERSHIP,
    ],
    [
      "A host announces itself while its old incarnation lives.",
      'if (owners > 0) return "kill owners";',
      "",
      MEMBERSHIP,
    ],
  ]),
  ...faultsIn("host/src/cluster/ownership.ts", [
    [
      "An owner serves calls of resources when its lease is nearly over.",
      'kind: right === "own" ? "serve" : "refuse"',
      'kind: right !== "none" ? "serve" : "refuse"',
      OWNERSHIP,
    ],
    [
      "The row of a resource that is owned here is released.",
      'return kind === "unknown" || kind === "elsewhere";',
      'return kind !== "claiming";',
      OWNERSHIP,
    ],
  ]),
  ...faultsIn("host/src/cluster/acknowledgements.ts", [
    [
      "A change is answered before other hosts have it.",
      "isRead && !behind.some(hasLease)",
      "isRead && behind.length >= 0",
      ACKNOWLEDGEMENTS,
    ],
    [
      "A host that was given up on is not named.",
      "return behind.map(({ name }) => name);",
      "return [];",
      ACKNOWLEDGEMENTS,
    ],
  ]),
  ...faultsIn("host/src/cluster/choose-server.ts", [
    [
      "A former primary that comes back is used.",
      "facts.timeline < known.timeline",
      'facts.timeline < ""',
      SERVER,
    ],
    [
      "A server that is too old is used.",
      "facts.version < VERSION_MIN",
      "facts.version < 0",
      SERVER,
    ],
    [
      "Of two writable servers, the older one is used.",
      "b.timeline.localeCompare(a.timeline)",
      "a.timeline.localeCompare(b.timeline)",
      SERVER,
    ],
  ]),
  ...faultsIn("host/src/cluster/decide-entry.ts", [
    [
      "A host with services of its own joins, and loses them.",
      "if (hasContent && !discardsLocal) {",
      "if (hasContent && discardsLocal) {",
      ENTRY,
    ],
    [
      "A host comes back to another cluster than its own.",
      "if (cluster.id !== knownId) {",
      'if (cluster.id === "") {',
      ENTRY,
    ],
  ]),
  ...faultsIn("host/src/cluster/cluster-key.ts", [
    [
      "A host joins with the key of another cluster.",
      "if (idOfCluster === this.id) return;",
      'if (idOfCluster !== "") return;',
      KEY,
    ],
  ]),
  ...faultsIn("host/src/cluster/join-refusals.ts", [
    ["Two hosts have the same name.", "if (!hasNamesake) return;", "return;", MEMBER],
  ]),
  ...faultsIn("host/src/cluster/member.ts", [
    [
      "A host that was fenced goes on with its lease.",
      "this.#isMember = false;\n    this.#lease = undefined;",
      "this.#isMember = false;",
      MEMBER,
    ],
  ]),
  ...faultsIn("host/src/cluster/replica.ts", [
    [
      "A host tells a change as applied before all its processes have it.",
      "await propagated();\n    applied = revision;",
      "applied = revision;\n    await propagated();",
      REPLICA,
    ],
  ]),
  ...faultsIn("host/src/cluster/postgres-owners.ts", [
    [
      "A host is fenced in the middle of its claim.",
      "state = 'active' FOR KEY SHARE) m",
      "state = 'active') m",
      OWNERS,
    ],
    [
      "A claim that has waited gets an epoch that is too low.",
      "epoch = nextval('epochs'), released = false",
      "epoch = excluded.epoch, released = false",
      OWNERS,
    ],
  ]),
  ...faultsIn("host/src/keeper/decide-keeper.ts", [
    [
      "A keeper ends before the owners are dead.",
      "if (owners.size === 0) return isHostDead",
      'if (isHostDead) return { kind: "exit" };\n  if (owners.size === 0) return isHostDead',
      KEEPER,
    ],
    [
      "A keeper does not look at the boot time during a sleep.",
      "Math.min(Math.ceil(leftMs), KEEPER_CHECK_MS)",
      "Math.ceil(leftMs)",
      KEEPER,
    ],
  ]),
];

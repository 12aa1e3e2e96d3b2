import { faultsIn, type PlantedFault } from "../planted-fault.ts";

const LEASE = "host/src/cluster/lease.test.ts";
const MEMBERSHIP = "host/src/cluster/membership.test.ts";
const OWNERSHIP = "host/src/cluster/ownership.test.ts";
const KEEPER = "host/src/keeper/decide-keeper.test.ts";

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

import { faultsIn, type PlantedFault } from "../planted-fault.ts";

const PEERS = "host/src/peers/peers.test.ts";
const RESOURCES = "host/src/peers/cluster-resources.test.ts";
const CHOOSE = "host/src/peers/choose-host.test.ts";
const HINTS = "host/src/peers/owner-hints.test.ts";
const TELLER = "host/src/peers/places-teller.test.ts";
const OWNER_KEEPER = "host/src/peers/owner-keeper.test.ts";
const OWNERS_END = "runtime/src/owners-end.test.ts";

export const peerFaults: readonly PlantedFault[] = [
  ...faultsIn("host/src/peers/peer-link.ts", [
    [
      "A host that does not answer still gets calls.",
      "return this.#isLinked && !this.#health.isUnresponsive;",
      "return this.#isLinked;",
      PEERS,
    ],
  ]),
  ...faultsIn("host/src/peers/peer-sockets.ts", [
    [
      "Any process gets the calls for the host whose address it has.",
      "if (peerFingerprint(socket) === fingerprint) return socket;",
      "if (fingerprint !== undefined) return socket;",
      PEERS,
    ],
  ]),
  ...faultsIn("host/src/peers/peers.ts", [
    [
      "A host that has left the cluster keeps its link.",
      'gone.link?.close("it has left the cluster");',
      "gone.link;",
      PEERS,
    ],
  ]),
  ...faultsIn("host/src/peers/host-places.ts", [
    [
      "A call that is passed on begins a chain.",
      "isChainLink(listener) ? listener.depth : 1",
      "isChainLink(listener) ? 1 : 1",
      PEERS,
    ],
  ]),
  ...faultsIn("host/src/peers/parent-on-other-host.ts", [
    [
      "Each host that a chain of calls comes to allows one call more.",
      "(passedOn?.depth ?? 1) - 1",
      "(passedOn?.depth ?? 1) - 2",
      PEERS,
    ],
  ]),
  ...faultsIn("host/src/peers/choose-host.ts", [
    [
      "A host without a free place gets calls.",
      "if (freeOf(host, placesOf) <= 0) continue;",
      "",
      CHOOSE,
    ],
    [
      "The host with the fewest free places gets the most calls.",
      "return first > second ? one : other;",
      "return first < second ? one : other;",
      CHOOSE,
    ],
  ]),
  ...faultsIn("host/src/peers/owner-hints.ts", [
    [
      "Remembered owners have no limit.",
      "if (this.#hints.size <= this.#max) return;",
      "if (this.#max >= 0) return;",
      HINTS,
    ],
    [
      "An owner that was just remembered is forgotten first.",
      "    // The oldest comes first.\n    this.#hints.delete(key);\n",
      "",
      HINTS,
    ],
    [
      "Resources of two services share an owner.",
      "serviceKey(environment, service)",
      "serviceKey(environment, service && environment)",
      HINTS,
    ],
  ]),
  ...faultsIn("host/src/peers/places-teller.ts", [
    [
      "Hosts pass calls of their admin services on.",
      'if (access.kind === "platform") continue;',
      "",
      TELLER,
    ],
  ]),
  ...faultsIn("host/src/peers/resource-owners.ts", [
    [
      "Resources that are in use are given back.",
      "if (isUnknown) await this.#table.release(",
      "await this.#table.release(",
      RESOURCES,
    ],
    [
      "A claim whose answer was lost keeps its resource.",
      "const isUnknown = rowsToRelease([row], () => ownership).length > 0;",
      "const isUnknown = rowsToRelease([row], () => ownership).length > 1;",
      RESOURCES,
    ],
    [
      "A resource that closes goes elsewhere before its row is given back.",
      "await this.#table.release(place, { host, incarnation, epoch }).catch(() => {});\n    this.#notOwned(route, resource);",
      "this.#notOwned(route, resource);",
      RESOURCES,
    ],
  ]),
  ...faultsIn("host/src/peers/owner-keeper.ts", [
    [
      "Owners do not get the end of a renewed lease.",
      "for (const instance of this.#owners.values()) instance.setOwnersEnd(ownersEndAtMs);",
      "",
      OWNER_KEEPER,
    ],
    [
      "An instance opens a resource without the end of the lease.",
      "instance.setOwnersEnd(this.#endsAtMs);",
      "",
      OWNER_KEEPER,
    ],
    [
      "A keeper that replaces another one has no owners.",
      "this.#keeper.add(pid).catch(() => {})",
      "void pid",
      OWNER_KEEPER,
    ],
  ]),
  ...faultsIn("runtime/src/owners-end.ts", [
    [
      "An answer is written past the end of the lease.",
      "if (this.#end.mayRun) return this.#side.send",
      "if (this.#end !== undefined) return this.#side.send",
      OWNERS_END,
    ],
    [
      "A function begins for a resource past the end of the lease.",
      "if (this.mayRun) return begin();",
      "if (this.#timer !== null) return begin();",
      OWNERS_END,
    ],
    [
      "An instance ends although its lease was renewed while it was blocked.",
      "if (this.#isOver) this.#options.endProcess();",
      "this.#options.endProcess();",
      OWNERS_END,
    ],
    [
      "A machine that has slept leaves its owners their old time.",
      "Math.min(leftMs, CHECK_MS)",
      "Math.max(leftMs, CHECK_MS)",
      OWNERS_END,
    ],
  ]),
];

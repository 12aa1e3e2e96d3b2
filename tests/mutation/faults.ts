import { clusterFaults } from "./faults/cluster.ts";
import { deployerFaults } from "./faults/deployer.ts";
import { fleetFaults } from "./faults/fleet.ts";
import { httpFaults } from "./faults/http.ts";
import { ledgerFaults } from "./faults/ledger.ts";
import { linkFaults } from "./faults/link.ts";
import { peerFaults } from "./faults/peers.ts";
import { queueFaults } from "./faults/queue.ts";
import { routerFaults } from "./faults/router.ts";
import { stateFaults } from "./faults/state.ts";
import type { PlantedFault } from "./planted-fault.ts";

/** Faults that a test or the simulation must find: `npm run mutate` plants each of them. */
export const plantedFaults: readonly PlantedFault[] = [
  ...routerFaults,
  ...ledgerFaults,
  ...fleetFaults,
  ...linkFaults,
  ...deployerFaults,
  ...stateFaults,
  ...queueFaults,
  ...clusterFaults,
  ...peerFaults,
  ...httpFaults,
];

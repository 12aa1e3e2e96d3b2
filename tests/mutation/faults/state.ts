import { faultsIn, type PlantedFault } from "../planted-fault.ts";

const STORE = "host/src/store/store.test.ts";
const STATE = "host/src/state/state.test.ts";

export const stateFaults: readonly PlantedFault[] = [
  ...faultsIn("host/src/store/change-statements.ts", [
    [
      "A number that was reserved is reserved again.",
      "none(RESERVED, environment, service, version)",
      "none(LIVE, environment, service, version)",
      STORE,
    ],
  ]),
  ...faultsIn("host/src/state/state.ts", [
    ["A conflict is the end of a change.", "tries < TRIES_MAX", "tries < 1", STATE],
    [
      "Two decisions on one key run at once.",
      "return await this.#turns.run(key, () => this.#change(key, decide));",
      "return await this.#change(key, decide);",
      STATE,
    ],
  ]),
];

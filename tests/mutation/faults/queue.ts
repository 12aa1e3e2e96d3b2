import { faultsIn, type PlantedFault } from "../planted-fault.ts";

const QUEUE = "host/src/router/call-queue.test.ts";
const KEYED = "host/src/keyed-queue.test.ts";

export const queueFaults: readonly PlantedFault[] = [
  ...faultsIn("host/src/router/call-queue.ts", [
    ["Calls that were taken from the queue stay in it.", "this.#calls.clear();", "", QUEUE],
  ]),
  ...faultsIn("host/src/router/overload-control.ts", [
    ["A wait for an instance to start counts as overload.", "this.#countsFrom = now;", "", QUEUE],
    [
      "A short wait does not end a standing queue.",
      "if (now - Math.max(since, this.#countsFrom) < this.#targetMs)",
      "if (now < 0)",
      QUEUE,
    ],
    ["Overload is never tried to be over.", "if (now >= until) return CALM;", "", QUEUE],
  ]),
  ...faultsIn("host/src/keyed-queue.ts", [
    ["Work that fails stops what follows.", "before.then(work, work)", "before.then(work)", KEYED],
    ["Work of one key runs at once.", "before.then(work, work)", "work()", KEYED],
    [
      "Keys whose work is done stay.",
      "if (this.#last.get(key) === mine) this.#last.delete(key);",
      "",
      KEYED,
    ],
  ]),
];

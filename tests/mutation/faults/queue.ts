import { faultsIn, type PlantedFault } from "../planted-fault.ts";

const QUEUE = "host/src/router/call-queue.test.ts";
const KEYED = "host/src/keyed-queue.test.ts";

export const queueFaults: readonly PlantedFault[] = [
  ...faultsIn("host/src/router/call-queue.ts", [
    ["Calls that were taken from the queue stay in it.", "this.#calls.clear();", "", QUEUE],
  ]),
  ...faultsIn("host/src/router/overload-control.ts", [
    [
      "A wait for an instance to start counts as overload.",
      "instanceAdded(now: number): void {\n    this.#countsFrom = now;",
      "instanceAdded(_now: number): void {",
      QUEUE,
    ],
    [
      "A short wait does not end a standing queue.",
      "if (now - Math.max(since, this.#countsFrom) < this.#targetMs)",
      "if (now < 0)",
      QUEUE,
    ],
    [
      "Overload is never tried to be over.",
      "if (isOver || now >= until) return",
      "if (now < 0) return",
      QUEUE,
    ],
    [
      "A queue that gets shorter counts as overload.",
      " || waiting <= this.#calmWaiting",
      "",
      QUEUE,
    ],
    [
      "Overload lasts although callers come more slowly.",
      "now - this.#refusedAt >= this.#standingMs",
      "now < 0",
      QUEUE,
    ],
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

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Measure } from "./target.ts";

/** The memory of this process after all garbage is collected. */
export async function ownMemory(): Promise<Measure> {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  for (let round = 0; round < 3; round++) {
    collect();
    await new Promise(setImmediate);
  }
  const { heapUsed, external } = process.memoryUsage();
  return { name: "live MB", value: Math.round((heapUsed + external) / 1_000_000), growthMax: 12 };
}

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { median } from "../tests/harness/load.ts";

/** How long this machine takes to run `node` on an empty script, in milliseconds: the median of some runs. */
export async function measureNodeStart(runs = 11): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "lever-bench-"));
  const script = join(folder, "empty.js");
  writeFileSync(script, "");
  const times: number[] = [];
  for (let i = 0; i < runs; i++) {
    const startedAt = performance.now();
    await once(spawn(process.execPath, [script], { stdio: "ignore" }), "exit");
    times.push(performance.now() - startedAt);
  }
  rmSync(folder, { recursive: true });
  return median(times);
}

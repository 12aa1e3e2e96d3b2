import { readFileSync } from "node:fs";

/** Changes each time the machine starts; undefined where the system has none. */
export function bootId(): string | undefined {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return undefined;
  }
}

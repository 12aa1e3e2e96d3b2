import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runTool } from "../../processes/run-tool.ts";

/** Private address ranges that few networks use. Each host claims one, which holds 4,093 instances. */
export const SUBNETS: readonly string[] = Array.from({ length: 16 * 7 }, (_, index) => {
  return `10.${213 + Math.floor(index / 16)}.${(index % 16) * 16}.0/20`;
});

/** The address of the host's end of every link. The plugin `host-local` reserves the first one for it. */
export function gatewayOf(subnet: string): string {
  return subnet.replace(/\.0\/\d+$/, ".1");
}

/** Holds the claimed range, so that the next start can release it after a crash. */
const SUBNET_FILE = "subnet";

/** The ranges in the order in which a host tries them. A host starts with the same one each time, others with another. */
export function subnetsFrom(hostId: string): readonly string[] {
  const first = Number.parseInt(hostId.slice(0, 6), 16) % SUBNETS.length;
  return [...SUBNETS.slice(first), ...SUBNETS.slice(0, first)];
}

/**
 * Claims a range by a blackhole route. The kernel adds that route only once, so no other host on this machine gets the
 * same range.
 * @throws Error when no range is free.
 */
export async function claimSubnet(hostId: string, stateDir: string): Promise<string> {
  let lastError: unknown;
  for (const subnet of subnetsFrom(hostId)) {
    try {
      const routes = await runTool("ip", ["-4", "route", "show", "root", subnet]);
      if (routes.trim() !== "") continue;
      await runTool("ip", ["route", "add", "blackhole", subnet]);
    } catch (error) {
      lastError = error;
      continue;
    }
    await writeFile(join(stateDir, SUBNET_FILE), subnet);
    return subnet;
  }
  throw new Error("No range of addresses is free for instances.", { cause: lastError });
}

/** Releases the range that a host with this folder claimed, if it did. */
export async function releaseSubnet(stateDir: string): Promise<void> {
  const file = join(stateDir, SUBNET_FILE);
  if (!existsSync(file)) return;
  await runTool("ip", ["route", "del", "blackhole", await readFile(file, "utf8")]);
  // Another host may have it now.
  await rm(file);
}

import type { LimitListing } from "@leveros/protocol";
import { formatTable } from "../../table.ts";

export function formatLimits(listings: readonly LimitListing[]): string {
  const rows = listings.map((limit) => [
    limit.name,
    String(limit.value),
    limit.value === limit.default ? limit.setBy : `${limit.setBy} (default ${limit.default})`,
    limit.about,
  ]);
  return formatTable([["LIMIT", "VALUE", "SET BY", "BOUNDS"], ...rows]);
}

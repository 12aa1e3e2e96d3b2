import type { VariableListing } from "@leveros/protocol";
import { formatAge } from "../quantity.ts";
import { formatTable } from "../table.ts";

/** Secrets have no column for their value. */
export function formatVariables(
  listings: readonly VariableListing[],
  { isSecret, nowMs }: { isSecret: boolean; nowMs: number },
): string {
  const rows = listings.map(({ service, name, value, setAt }) => [
    name,
    service === "" ? "all" : service,
    formatAge(Date.parse(setAt), nowMs),
    ...(isSecret ? [] : [value ?? ""]),
  ]);
  return formatTable([["NAME", "SERVICE", "AGE", ...(isSecret ? [] : ["VALUE"])], ...rows]);
}

import { type LimitName, parseLimit } from "@leveros/protocol";
import { usageError } from "../../exit-status.ts";

/** Reads `name=value`. @throws CommandError for an unknown limit or a value that is not a number. */
export function readLimit(text: string): { name: LimitName; value: number } {
  const limit = parseLimit(text);
  if (typeof limit === "string") throw usageError(limit);
  return limit;
}

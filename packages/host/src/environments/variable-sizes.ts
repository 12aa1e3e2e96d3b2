import type { Limits } from "@leveros/protocol";

export type VariableLimits = Pick<Limits, "variablesPerServiceMax" | "variableBytesPerServiceMax">;

/** The size of one variable. */
export interface VariableSize {
  /** `""` = every service of the environment. */
  readonly service: string;
  readonly name: string;
  /** Bytes of its name and value. */
  readonly bytes: number;
}

/**
 * Returns a sentence about a service that would see more variables than the limits allow. `changed`: the service whose
 * variables change; `""` = all.
 */
export function findExcess(
  variables: readonly VariableSize[],
  changed: string,
  limits: VariableLimits,
): string | undefined {
  const { variablesPerServiceMax: countMax, variableBytesPerServiceMax: bytesMax } = limits;
  const byService = Map.groupBy(variables, ({ service }) => service);
  const ofAll = byService.get("") ?? [];
  for (const service of changed === "" ? new Set(["", ...byService.keys()]) : [changed]) {
    // A variable of the service hides that of its environment.
    const own = service === "" ? [] : (byService.get(service) ?? []);
    const seen = new Map([...ofAll, ...own].map(({ name, bytes }) => [name, bytes]));
    const bytes = [...seen.values()].reduce((sum, of) => sum + of, 0);
    if (seen.size <= countMax && bytes <= bytesMax) continue;
    const who = service === "" ? "every service" : service;
    return `${who} would see ${seen.size} variables of ${bytes} bytes; allowed are at most ${countMax} (variablesPerServiceMax) of ${bytesMax} bytes (variableBytesPerServiceMax).`;
  }
  return undefined;
}

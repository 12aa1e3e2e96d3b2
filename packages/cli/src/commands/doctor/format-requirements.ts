import type { DatabaseFinding, Requirement } from "@leveros/host";

/** Lists the requirements of containers, and what follows from them. */
export function formatContainers(requirements: readonly Requirement[]): string {
  const isComplete = requirements.every(({ found }) => found !== undefined);
  return [
    "Requirements of containers:",
    formatList(requirements),
    "",
    isComplete
      ? "Nothing is missing: lever up runs instances in containers."
      : "Something is missing: lever up runs instances as processes.",
  ].join("\n");
}

/** Lists how instances are isolated that run as processes. */
export function formatProcesses(requirements: readonly Requirement[]): string {
  return ["Isolation of instances that run as processes:", formatList(requirements)].join("\n");
}

/** Lists what a cluster needs of its database. */
export function formatDatabase(findings: readonly DatabaseFinding[]): string {
  return ["Database of a cluster:", formatList(findings)].join("\n");
}

function formatList(requirements: readonly Requirement[]): string {
  const width = Math.max(...requirements.map(({ what }) => what.length));
  return requirements
    .map(({ what, found, remedy }) =>
      found === undefined
        ? `missing  ${what.padEnd(width)}  ${remedy ?? ""}`.trimEnd()
        : `ok       ${what.padEnd(width)}  ${found}`,
    )
    .join("\n");
}

import type { Leftovers, RemovedLeftovers } from "@leveros/host";

/** Completes the list of requirements; empty when killed hosts have left nothing. */
export function formatLeftovers(left: Leftovers): string {
  const list = listed(left);
  return list === "" ? "" : `\n\nKilled hosts have left ${list}. Remove them: lever doctor --clean`;
}

/** The result of the removal, with what stayed. `isRoot`: other users see nothing of containers. */
export function formatRemoved(removed: RemovedLeftovers, { isRoot }: { isRoot: boolean }): string {
  const list = listed(removed);
  return [
    list === "" ? "Nothing was left of killed hosts." : `Removed ${list} of killed hosts.`,
    ...removed.problems.map((problem) => `Cannot remove what a host has left: ${problem}`),
    ...(isRoot
      ? []
      : ["Only root can see and remove what containers have left: lever doctor --clean"]),
  ].join("\n");
}

function listed({ hosts, pids }: Leftovers): string {
  const parts = [
    ...(hosts.length > 0 ? [`mounts, control groups and network rules (${hosts.join(", ")})`] : []),
    ...(pids.length > 0 ? [`processes (${pids.join(", ")})`] : []),
  ];
  return parts.join(" and ");
}

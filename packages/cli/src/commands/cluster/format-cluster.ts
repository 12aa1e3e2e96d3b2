import type { ClusterStatus } from "@leveros/protocol";

export function formatCluster(status: ClusterStatus): string {
  const { cluster, host, keyId, revision, database, hosts, hostsActive } = status;
  const lines: readonly (readonly [name: string, value: string])[] = [
    ["cluster", cluster],
    ["answers", host],
    ["hosts", `${hosts}, ${hostsActive} with a lease (lever hosts)`],
    ["database", database.servers.join(", ")],
    ["", database.problem ?? "takes changes"],
    ["revision", describeRevision(revision, database.revision)],
    ["key", keyId],
  ];
  return lines.map(([name, value]) => `${name.padEnd(10)}${value}`).join("\n");
}

function describeRevision(applied: number, newest: number | null): string {
  if (newest === null) return `${applied}, the last one that has arrived here`;
  return applied >= newest ? String(newest) : `${newest}, and ${applied} has arrived here`;
}

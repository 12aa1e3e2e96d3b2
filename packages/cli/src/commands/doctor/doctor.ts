import { homedir } from "node:os";
import { join } from "node:path";
import { type Command, command } from "../../command.ts";
import { exitStatus } from "../../exit-status.ts";
import { printResult } from "../../output.ts";
import { flag, jsonFlag, value } from "../../parameters.ts";
import { formatLeftovers, formatRemoved } from "./format-leftovers.ts";
import { formatContainers, formatDatabase, formatProcesses } from "./format-requirements.ts";

export const doctor: Command = command({
  name: "doctor",
  summary: "check how this machine can isolate instances",
  description: "Check what this machine offers to isolate instances, and what is missing.",
  isLocal: true,
  options: {
    data: value("<dir>", "data folder that lever up uses (default: ~/.lever)"),
    cluster: value("<url>", "check this PostgreSQL for a cluster, and list that instead"),
    clean: flag("remove what killed hosts have left on this machine, and list that instead"),
    json: jsonFlag("the list"),
  },
  notes: `Containers need root and a few system programs. Without them Lever runs instances as processes. That protects
services from each other's bugs, but not from hostile code. A host that starts removes what killed hosts have left, too.`,
  examples: [
    ["lever doctor"],
    ["lever doctor --json | jq '.[] | select(.found | not)'", "what is missing"],
    ["lever doctor --clean", "after a host was killed that will not start again"],
    ["lever doctor --cluster postgres://lever@db/lever", "before hosts use it"],
    ["lever up --isolation oci", "start only if instances can run in containers"],
  ],
  run: async ({ data, cluster, clean, json }) => {
    if (cluster !== undefined) return await checkDatabase(cluster, json);
    const { checkProcessIsolation, checkContainerIsolation, findLeftovers, removeLeftovers } =
      await import("@leveros/host");
    if (clean) {
      const removed = await removeLeftovers();
      const isRoot = process.getuid?.() === 0;
      printResult(json ? JSON.stringify(removed) : formatRemoved(removed, { isRoot }));
      if (removed.problems.length > 0) process.exitCode = exitStatus.failed;
      return;
    }
    const containers = checkContainerIsolation();
    const processes = checkProcessIsolation(data ?? join(homedir(), ".lever"));
    printResult(
      json
        ? JSON.stringify([...containers, ...processes])
        : `${formatContainers(containers)}\n\n${formatProcesses(processes)}${formatLeftovers(findLeftovers())}`,
    );
  },
});

/** The exit status is 1 when something is missing. */
async function checkDatabase(url: string, isJson: boolean): Promise<void> {
  const { checkClusterDatabase } = await import("@leveros/host");
  const findings = await checkClusterDatabase(url);
  printResult(isJson ? JSON.stringify(findings) : formatDatabase(findings));
  if (findings.some(({ found }) => found === undefined)) process.exitCode = exitStatus.failed;
}

import { homedir } from "node:os";
import { join } from "node:path";
import { type Command, command } from "../../command.ts";
import { printResult } from "../../output.ts";
import { jsonFlag, value } from "../../parameters.ts";
import { formatContainers, formatProcesses } from "./format-requirements.ts";

export const doctor: Command = command({
  name: "doctor",
  summary: "check how this machine can isolate instances",
  description: "Check what this machine offers to isolate instances, and what is missing.",
  options: {
    data: value("<dir>", "data folder that lever up uses (default: ~/.lever)"),
    json: jsonFlag("the list"),
  },
  notes: `Containers need root and a few system programs. Without them Lever runs instances as processes. That protects
services from each other's bugs, but not from hostile code.`,
  examples: [
    ["lever doctor"],
    ["lever doctor --json | jq '.[] | select(.found | not)'", "what is missing"],
    ["lever up --isolation oci", "start only if instances can run in containers"],
  ],
  run: async ({ data, json }) => {
    const { checkProcessIsolation, checkContainerIsolation } = await import("@leveros/host");
    const containers = checkContainerIsolation();
    const processes = checkProcessIsolation(data ?? join(homedir(), ".lever"));
    printResult(
      json
        ? JSON.stringify([...containers, ...processes])
        : `${formatContainers(containers)}\n\n${formatProcesses(processes)}`,
    );
  },
});

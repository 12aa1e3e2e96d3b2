import { callAdmin } from "../../call-admin.ts";
import { type Command, command } from "../../command.ts";
import { printNote, printResult } from "../../output.ts";
import { jsonFlag } from "../../parameters.ts";
import { formatHosts, hostsNote } from "./format-hosts.ts";

export const hosts: Command = command({
  name: "hosts",
  summary: "list the hosts of the cluster",
  description:
    "List the hosts that are one Lever: their leases, versions and changes that they lack.",
  options: { json: jsonFlag("the hosts") },
  notes: `Any host answers. LEASE is the time until a host must not own resources any more; it renews its lease each second.
BEHIND counts the changes that a host has not applied. A silent host does not renew: it is stopped, paused or cut off
from the database. Once it is fenced, others may take its resources.`,
  examples: [
    ["lever hosts"],
    ["lever hosts --json | jq -e '.hosts | all(.state == \"active\")'", "fails unless all live"],
  ],
  run: async ({ json }, readSettings) => {
    const report = await callAdmin(readSettings(), "listHosts");
    printResult(json ? JSON.stringify(report) : formatHosts(report));
    const note = hostsNote(report);
    if (note !== undefined) printNote(note);
  },
});

import { setTimeout as delay } from "node:timers/promises";
import type { HostChange, HostListing } from "@leveros/protocol";
import { callAdmin } from "../../call-admin.ts";
import { type Command, command } from "../../command.ts";
import { CommandError, exitStatus, usageError } from "../../exit-status.ts";
import { printNote, printResult } from "../../output.ts";
import { jsonFlag, oneOf, optional } from "../../parameters.ts";
import type { Settings } from "../../settings.ts";
import { formatHosts, hostsNote } from "./format-hosts.ts";

const LOOK_MS = 250;

export const hosts: Command = command({
  name: "hosts",
  summary: "list the hosts of the cluster, or drain one",
  description:
    "List the hosts that are one Lever: their leases, versions and changes that they lack. Or drain, resume or remove one.",
  arguments: {
    action: optional("drain, resume or remove", oneOf("drain", "resume", "remove")),
    host: optional("name or id of the host"),
  },
  options: { json: jsonFlag("the hosts, or the one that was changed") },
  notes: `Any host answers. LEASE is the time until a host must not own resources any more; it renews its lease each second.
BEHIND counts the changes that a host has not applied. A silent host does not renew: it is stopped, paused or cut off
from the database. Once it is fenced, others may take its resources.

drain gives the calls and resources of a host to the others, and ends when it has none left. The host can be stopped
then. Until resume, it starts no instances, also after a restart, and passes calls on. Streams end after
deployDrainTimeoutMs at the latest. Ctrl-C ends the command, and not the draining. remove takes a host that is gone off
the list.`,
  examples: [
    ["lever hosts"],
    ["lever hosts drain b", "before an upgrade of b; then: lever hosts resume b"],
    ["lever hosts remove b", "when b does not come back"],
    ["lever hosts --json | jq -e '.hosts | all(.state == \"active\")'", "fails unless all live"],
  ],
  run: async ({ action, host, json }, readSettings) => {
    const settings = readSettings();
    if (action === undefined) {
      await list(settings, json);
      return;
    }
    if (host === undefined) {
      throw usageError(
        `Cannot ${action} a host without its name: write lever hosts ${action} HOST.`,
      );
    }
    const { change, text } = await act(settings, action, host);
    printResult(json ? JSON.stringify(change) : text);
  },
});

async function list(settings: Settings, json: boolean): Promise<void> {
  const report = await callAdmin(settings, "listHosts");
  printResult(json ? JSON.stringify(report) : formatHosts(report));
  const note = hostsNote(report);
  if (note !== undefined) printNote(note);
}

async function act(
  settings: Settings,
  action: "drain" | "resume" | "remove",
  nameOrId: string,
): Promise<{ readonly change: HostChange; readonly text: string }> {
  switch (action) {
    case "drain": {
      const change = await callAdmin(settings, "drainHost", nameOrId);
      const { host, isChanged } = change;
      printNote(
        `${host} drains${isChanged ? "" : " already"}: it gives its calls and resources to other hosts.`,
      );
      await untilDrained(settings, change);
      return {
        change,
        text: `${host} is drained, and can be stopped. It stays so until: lever hosts resume ${host}`,
      };
    }
    case "resume": {
      const change = await callAdmin(settings, "resumeHost", nameOrId);
      return { change, text: `${change.host} takes calls again.` };
    }
    case "remove": {
      const change = await callAdmin(settings, "removeHost", nameOrId);
      return { change, text: `Removed ${change.host} from the list of hosts.` };
    }
  }
}

/** @throws CommandError when the host does not drain any more */
async function untilDrained(settings: Settings, { host, id }: HostChange): Promise<void> {
  for (;;) {
    const report = await callAdmin(settings, "listHosts");
    const state: HostListing["state"] | undefined = report.hosts.find((of) => of.id === id)?.state;
    if (state === "drained") return;
    if (state !== "draining") {
      throw new CommandError(
        exitStatus.lever,
        `Cannot wait until ${host} is drained: it is ${state ?? "removed"} now.`,
      );
    }
    await delay(LOOK_MS);
  }
}

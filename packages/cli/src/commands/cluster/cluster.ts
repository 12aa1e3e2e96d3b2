import { callAdmin } from "../../call-admin.ts";
import { type Command, type CommandGroup, command, commandGroup } from "../../command.ts";
import { usageError } from "../../exit-status.ts";
import { printResult } from "../../output.ts";
import { jsonFlag, required } from "../../parameters.ts";
import { formatCluster } from "./format-cluster.ts";

const status: Command = command({
  name: "status",
  summary: "show the cluster and its database",
  description: "Show the cluster as the host that answers sees it: its database, revision and key.",
  options: { json: jsonFlag("the cluster") },
  examples: [["lever cluster status"]],
  run: async ({ json }, readSettings) => {
    const found = await callAdmin(readSettings(), "getCluster");
    printResult(json ? JSON.stringify(found) : formatCluster(found));
  },
});

const key: Command = command({
  name: "key",
  summary: "make the key of a new cluster",
  description:
    "Print a new key, which seals the secrets of a cluster. All hosts have the same one.",
  isLocal: true,
  arguments: { new: required("the word new: each key is another one") },
  notes: `Keep a copy of the file where the database's backups are not: without the key, no secret can be read.`,
  examples: [["lever cluster key new > cluster.key", "then: chmod 600 cluster.key"]],
  run: async ({ new: word }) => {
    if (word !== "new") throw usageError(`Cannot ${word} a key: write lever cluster key new.`);
    const { newClusterKey } = await import("@leveros/host");
    printResult((await newClusterKey()).trimEnd());
  },
});

export const cluster: CommandGroup = commandGroup({
  name: "cluster",
  summary: "hosts that are one Lever",
  description: "Set up and look at several hosts that are one Lever, over a PostgreSQL.",
  notes: `Start the first host with: lever up --cluster postgres://… --cluster-key cluster.key --found
Start each other one without --found. lever hosts lists them; lever doctor --cluster URL checks a database.`,
  examples: [["lever cluster key new > cluster.key"], ["lever cluster status"]],
  commands: [status, key],
});

import { statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { RestoredBackup, RestoredCluster } from "@leveros/host";
import { LeverError } from "@leveros/protocol";
import { confirm } from "../../ask.ts";
import { type Command, command } from "../../command.ts";
import { CommandError, exitStatus, usageError } from "../../exit-status.ts";
import { printResult } from "../../output.ts";
import { flag, jsonFlag, required, value } from "../../parameters.ts";
import { ProgressLine } from "../../progress-line.ts";
import { formatBytes, formatCount } from "../../quantity.ts";
import { databaseUrls } from "../up/read-cluster.ts";

export const restore: Command = command({
  name: "restore",
  summary: "make a data folder of a backup",
  description:
    "Make a new data folder of a backup, on the machine where a host will use it; or bring a cluster back to one.",
  isLocal: true,
  arguments: { file: required("file that lever backup has written") },
  options: {
    data: value("<dir>", "folder to restore into: a new or an empty one (default: ~/.lever)"),
    cluster: value("<url[,url]>", "replace the state of the cluster in this PostgreSQL instead"),
    clusterKey: value(
      "<file>",
      "key of the cluster; for a data folder, of the one that was backed up",
    ),
    yes: flag("replace the state of the cluster without asking"),
    json: jsonFlag("what was restored"),
  },
  notes: `The backup is checked as a whole. If it is torn, damaged or of a newer Lever, the folder stays empty. If the command
is killed, no host starts on the folder: run the command again.

With --cluster, services, settings, tokens and secrets of all hosts become those of the backup, in one transaction.
Hosts that run take them over within seconds. The data of services stays as it is on each host. An empty database
becomes that of a cluster again. It asks first; in a script it needs --yes.

A backup of a cluster also becomes a data folder of a single host: name the cluster's key.`,
  examples: [
    ["lever restore lever.backup --data /var/lib/lever"],
    ["lever up --data /var/lib/lever", "starts a host with what was restored"],
    ["lever restore lever.backup --cluster postgres://lever@db/lever --cluster-key cluster.key"],
  ],
  run: async ({ file, data, cluster, clusterKey, yes, json }) => {
    if (cluster !== undefined) {
      checkFlags({ data, clusterKey });
      const plan = `This replaces all services, settings, tokens and secrets of the cluster by those of ${file}.`;
      await confirm(plan, { isSure: yes });
    }
    const host = await import("@leveros/host");
    const progress = new ProgressLine(process.stderr, formatRead);
    const fileBytes = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    const onRead = (bytes: number): void => progress.show({ name: "reading", bytes, fileBytes });
    try {
      const [restored, text] =
        cluster === undefined
          ? await toFolder(host, { file, data, clusterKey, onRead })
          : await toCluster(host, { file, cluster, clusterKey, onRead });
      progress.clear();
      printResult(json ? JSON.stringify(restored) : text);
    } catch (error) {
      progress.clear();
      const isExpected =
        error instanceof host.RestoreError ||
        error instanceof host.StartupError ||
        error instanceof LeverError;
      if (!isExpected) throw error;
      throw new CommandError(exitStatus.lever, error.message, { cause: error });
    }
  },
});

/** @throws CommandError */
function checkFlags({
  data,
  clusterKey,
}: {
  data?: string | undefined;
  clusterKey?: string | undefined;
}): void {
  if (data !== undefined) {
    throw usageError("Cannot use --cluster and --data together: restore into one of them.");
  }
  if (clusterKey === undefined) {
    throw usageError("Cannot restore a cluster without its key: --cluster-key is missing.");
  }
}

type HostModule = typeof import("@leveros/host");

interface Source {
  readonly file: string;
  readonly clusterKey: string | undefined;
  readonly onRead: (bytes: number) => void;
}

async function toFolder(
  { restoreBackup }: HostModule,
  { file, data, clusterKey, onRead }: Source & { readonly data: string | undefined },
): Promise<readonly [restored: object, text: string]> {
  const dataDir = data ?? join(homedir(), ".lever");
  const restored = await restoreBackup({ file, dataDir, clusterKeyFile: clusterKey, onRead });
  return [restored, formatRestored(restored)];
}

async function toCluster(
  { restoreCluster }: HostModule,
  { file, cluster, clusterKey = "", onRead }: Source & { readonly cluster: string },
): Promise<readonly [restored: object, text: string]> {
  const restored = await restoreCluster({
    file,
    urls: databaseUrls(cluster),
    keyFile: clusterKey,
    onRead,
  });
  return [restored, formatRestoredCluster(restored)];
}

interface Reading {
  readonly name: string;
  readonly bytes: number;
  readonly fileBytes: number;
}

function formatRead({ bytes, fileBytes }: Reading, columns: number): string {
  return `Restoring: ${formatBytes(bytes)} of ${formatBytes(fileBytes)} …`.slice(0, columns);
}

export function formatRestored({
  dataDir,
  createdAt,
  hasServiceData,
  services,
}: RestoredBackup): string {
  const data = hasServiceData ? "" : " The backup has no data of services.";
  return `Restored ${formatCount(services, "service", "services")} of ${createdAt} into ${dataDir}.${data}\nStart a host with it: lever up --data ${dataDir}`;
}

export function formatRestoredCluster({
  cluster,
  createdAt,
  services,
  archivesLost,
}: RestoredCluster): string {
  const lost =
    archivesLost === 0
      ? ""
      : ` ${formatCount(archivesLost, "version has", "versions have")} no archive in it: deploy the service again.`;
  return `Restored ${formatCount(services, "service", "services")} of ${createdAt} into the cluster ${cluster}.${lost}\nHosts that run take it over within seconds: lever hosts`;
}

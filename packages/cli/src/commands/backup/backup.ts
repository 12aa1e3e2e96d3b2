import { existsSync } from "node:fs";
import { link, open, rm } from "node:fs/promises";
import { type BackupReport, LeverError } from "@leveros/protocol";
import { type Command, command } from "../../command.ts";
import { CommandError, exitStatus, usageError } from "../../exit-status.ts";
import { printNote, printResult } from "../../output.ts";
import { flag, jsonFlag, required } from "../../parameters.ts";
import { ProgressLine } from "../../progress-line.ts";
import { formatBytes, formatCount } from "../../quantity.ts";
import type { Settings } from "../../settings.ts";

export const backup: Command = command({
  name: "backup",
  summary: "write everything that a host stores into a file",
  description:
    "Write a backup of a running host into a file: its database, archives and key of secrets.",
  arguments: { file: required("file to write, which must not exist yet") },
  options: {
    withData: flag("also the data that services have stored"),
    json: jsonFlag("what the backup has"),
  },
  notes: `The host goes on meanwhile. The data of services is copied file by file: a database in a file may be copied in the
middle of a change. Whoever has the file can read all secrets, so keep it as safe as the host. It needs the right
admin in all environments. lever restore makes a data folder of the file.

Of a cluster, any host writes it: what all hosts share, and with --with-data what services have stored on this host.
The key of the cluster is not in it. lever restore --cluster brings the cluster back to it.`,
  examples: [
    ["lever backup lever.backup", "services, settings, tokens and secrets"],
    ["lever backup lever.backup --with-data", "also what services have stored"],
    ["lever -H https://lever.example:443 backup lever.backup", "of a host elsewhere"],
  ],
  run: async ({ file, withData, json }, readSettings) => {
    const settings = readSettings();
    if (existsSync(file)) throw exists(file);
    const draft = `${file}.partial`;
    try {
      const { bytes, report } = await receive(settings, draft, withData);
      // Unlike a rename, this replaces no file that has been made meanwhile.
      await link(draft, file).catch((error: unknown) => {
        throw existsSync(file) ? exists(file) : cannotWrite(file, error);
      });
      printResult(
        json ? JSON.stringify({ file, bytes, ...report }) : formatBackup(file, bytes, report),
      );
      for (const note of notesOf(report)) printNote(`lever: ${note}`);
    } finally {
      await rm(draft, { force: true });
    }
  },
});

/** Receives a backup, and syncs it to the disk. @throws CommandError; LeverError for a failure of the call. */
async function receive(
  { host, token }: Settings,
  draft: string,
  withData: boolean,
): Promise<{ bytes: number; report: BackupReport }> {
  await rm(draft, { force: true });
  const file = await open(draft, "wx", 0o600).catch((error: unknown) => {
    throw cannotWrite(draft, error);
  });
  const progress = new ProgressLine(process.stderr, formatReceived);
  let bytes = 0;
  let report: BackupReport | undefined;
  try {
    const { Client } = await import("leveros");
    const stream = await new Client({ forceHost: host, token })
      .service("admin.lever", "admin")
      .invokeChan("backUpChan", { data: withData, report: true });
    for await (const message of stream) {
      if (message instanceof Uint8Array) {
        await file.writeFile(message).catch((error: unknown) => {
          throw cannotWrite(draft, error);
        });
        bytes += message.length;
        progress.show({ name: "receiving", bytes });
        // The edge where the host's answer is trusted to have the form that its method promises.
      } else report = message as BackupReport;
    }
    await file.sync();
  } catch (error) {
    if (!(error instanceof LeverError) || error.code !== "method_failed") throw error;
    throw new CommandError(exitStatus.lever, String(error.value), { cause: error });
  } finally {
    progress.clear();
    await file.close();
  }
  if (report !== undefined) return { bytes, report };
  throw new CommandError(exitStatus.lever, "Cannot make the backup: the host did not complete it.");
}

function formatReceived({ bytes }: { name: string; bytes: number }, columns: number): string {
  return `Receiving the backup: ${formatBytes(bytes)} …`.slice(0, columns);
}

export function formatBackup(file: string, bytes: number, report: BackupReport): string {
  const data = report.hasServiceData
    ? "With the data of services."
    : "Without the data of services (--with-data).";
  const archives = formatCount(report.archives, "archive", "archives");
  return `Wrote ${file}: ${formatBytes(bytes)}, with the database and ${archives}. ${data}`;
}

/** Notes about things that the backup does not have as they should be. */
export function notesOf({
  archivesLost,
  filesSkipped,
  filesChanged,
  keyId,
}: BackupReport): string[] {
  const lost = formatCount(archivesLost, "version has", "versions have");
  const skipped = formatCount(filesSkipped, "entry is", "entries are");
  const changed = formatCount(filesChanged, "file became", "files became");
  return [
    ...(keyId === undefined
      ? []
      : [
          `its secrets are sealed with the key ${keyId} of the cluster. Keep the key file elsewhere: it is not in the backup.`,
        ]),
    ...(archivesLost > 0 ? [`${lost} no archive on the host. Deploy the service again.`] : []),
    ...(filesSkipped > 0
      ? [`${skipped} left out: sockets, devices, files of other users, and removed files.`]
      : []),
    ...(filesChanged > 0 ? [`${changed} shorter while it was read, and ended with zeros.`] : []),
  ];
}

function exists(file: string): CommandError {
  return usageError(`Cannot write the backup: ${file} exists already. Name another file.`);
}

function cannotWrite(file: string, cause: unknown): CommandError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new CommandError(exitStatus.lever, `Cannot write the backup ${file}: ${reason}.`, {
    cause,
  });
}

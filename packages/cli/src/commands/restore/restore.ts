import { statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { RestoredBackup } from "@leveros/host";
import { type Command, command } from "../../command.ts";
import { CommandError, exitStatus } from "../../exit-status.ts";
import { printResult } from "../../output.ts";
import { jsonFlag, required, value } from "../../parameters.ts";
import { ProgressLine } from "../../progress-line.ts";
import { formatBytes, formatCount } from "../../quantity.ts";

export const restore: Command = command({
  name: "restore",
  summary: "make a data folder of a backup",
  description: "Make a new data folder of a backup, on the machine where a host will use it.",
  isLocal: true,
  arguments: { file: required("file that lever backup has written") },
  options: {
    data: value("<dir>", "folder to restore into: a new or an empty one (default: ~/.lever)"),
    json: jsonFlag("what was restored"),
  },
  notes: `The backup is checked as a whole. If it is torn, damaged or of a newer Lever, the folder stays empty. If the command
is killed, no host starts on the folder: run the command again.`,
  examples: [
    ["lever restore lever.backup --data /var/lib/lever"],
    ["lever up --data /var/lib/lever", "starts a host with what was restored"],
  ],
  run: async ({ file, data = join(homedir(), ".lever"), json }) => {
    const { restoreBackup, RestoreError, StartupError } = await import("@leveros/host");
    const progress = new ProgressLine(process.stderr, formatRead);
    const fileBytes = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    const onRead = (bytes: number): void => progress.show({ name: "reading", bytes, fileBytes });
    try {
      const restored = await restoreBackup({ file, dataDir: data, onRead });
      progress.clear();
      printResult(json ? JSON.stringify(restored) : formatRestored(restored));
    } catch (error) {
      progress.clear();
      if (!(error instanceof RestoreError || error instanceof StartupError)) throw error;
      throw new CommandError(exitStatus.lever, error.message, { cause: error });
    }
  },
});

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

import { cancelled } from "@leveros/protocol";
import type { Backups } from "../backup/backups.ts";
import { type Argument, flag } from "./arguments.ts";
import { adminStream, type Methods } from "./method-table.ts";

export interface BackupParts {
  readonly backups: Backups;
}

const [data, report] = [flag("data"), flag("report")];

const backupOptions: Argument<{ readonly data: boolean; readonly report: boolean }> = {
  name: "{data?, report?}",
  read: (value) => ({ data: data.read(value), report: report.read(value) }),
};

/** Methods that copy what a host stores. */
export const backupMethods: Methods<BackupParts, "backUpChan"> = {
  backUpChan: adminStream(
    {
      right: "admin",
      // The audit records who has a copy of everything.
      isChange: true,
      arguments: [backupOptions],
      does: "Sends a backup as byte messages: database, archives, key; with `data`, also the services' data; with `report`, a message about it at the end.",
    },
    async ({ backups }, stream, options) => {
      const take = async (chunk: Buffer): Promise<void> => {
        if (stream.destroyed) throw stream.cancelledBy ?? cancelled("caller");
        if (!stream.write(chunk)) await stream.drained();
      };
      const made = await backups.write({ take }, { hasServiceData: options.data });
      if (options.report) stream.write(made);
    },
  ),
};

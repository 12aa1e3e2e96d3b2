import type { LogRecord } from "@leveros/protocol";
import type { LogBook } from "../logs/log-book.ts";
import type { Router } from "../router/router.ts";
import { environment } from "./arguments.ts";
import { findEnvironment } from "./find-environment.ts";
import { logFilter } from "./log-filter.ts";
import { happenedAt, mergeByTime } from "./merge-by-time.ts";
import { mergeLogs } from "./merge-reports.ts";
import { adminMethod, adminStream, type Methods } from "./method-table.ts";
import { WaitingMessages } from "./waiting-messages.ts";

export interface LogParts {
  readonly router: Router;
  readonly logs: LogBook;
}

/** Methods that show what instances have printed. */
export const logMethods: Methods<LogParts, "listLogs" | "watchLogsChan"> = {
  listLogs: adminMethod(
    {
      right: "look",
      isChange: false,
      arguments: [environment, logFilter],
      does: "Lists what instances have printed: the newest records that the filter lets through, oldest first.",
      merge: mergeLogs,
    },
    ({ logs, router }, name, filter) => {
      findEnvironment(router, name);
      return logs.find(name, filter);
    },
  ),

  watchLogsChan: adminStream(
    {
      right: "look",
      isChange: false,
      arguments: [environment, logFilter],
      does: "Sends the same records, and then each new one, until the caller ends the stream; `{dropped}` says how many a slow caller has missed.",
      mergeStreams: mergeByTime(happenedAt),
    },
    async ({ logs, router }, stream, name, filter) => {
      findEnvironment(router, name);
      const waiting = new WaitingMessages<LogRecord>((message) => stream.write(message));
      const { before, stop } = logs.watch(name, filter, (record) => waiting.add(record));
      const ended = new Promise((resolve) => stream.once("end", resolve).once("close", resolve));
      stream.on("drain", () => waiting.send());
      stream.resume();
      try {
        const { records } = await logs.find(name, { ...filter, before });
        for (const record of records) stream.write(record);
        waiting.send();
        await ended;
      } finally {
        stop();
      }
    },
  ),
};

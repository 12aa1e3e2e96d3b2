import type { LogMessage, LogRecord } from "@leveros/protocol";
import type { LogBook } from "../logs/log-book.ts";
import type { Router } from "../router/router.ts";
import { environment } from "./arguments.ts";
import { findEnvironment } from "./find-environment.ts";
import { logFilter } from "./log-filter.ts";
import { adminMethod, adminStream, type Methods } from "./method-table.ts";

/** New records that wait for a reader who is slower than they come. More are dropped, and counted for the reader. */
const WAITING_MAX = 1_000;

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
    },
    async ({ logs, router }, stream, name, filter) => {
      findEnvironment(router, name);
      const waiting = new WaitingRecords((message) => stream.write(message));
      const watch = logs.watch(name, filter, (record) => waiting.add(record));
      stream.once("close", watch.stop);
      stream.on("drain", () => waiting.send());
      stream.resume();
      const { records } = await logs.find(name, { ...filter, before: watch.before });
      for (const record of records) stream.write(record);
      waiting.begin();
      await new Promise((resolve) => stream.once("end", resolve).once("close", resolve));
      watch.stop();
    },
  ),
};

/** Records between the log and a reader who may be slow. */
export class WaitingRecords {
  readonly #write: (message: LogMessage) => boolean;
  #records: LogRecord[] = [];
  #dropped = 0;
  /** The reader takes more. False until the earlier records are sent. */
  #isOpen = false;

  constructor(write: (message: LogMessage) => boolean) {
    this.#write = write;
  }

  add(record: LogRecord): void {
    if (this.#isOpen && this.#records.length === 0 && this.#dropped === 0) {
      this.#isOpen = this.#write(record);
    } else if (this.#records.length < WAITING_MAX && this.#dropped === 0) {
      this.#records.push(record);
    } else {
      // Their number follows the records that wait.
      this.#dropped++;
    }
  }

  begin(): void {
    this.send();
  }

  /** Must be called when the reader takes more. */
  send(): void {
    this.#isOpen = true;
    const records = this.#records;
    this.#records = [];
    let sent = 0;
    for (; sent < records.length && this.#isOpen; sent++) {
      const record = records[sent];
      if (record !== undefined) this.#isOpen = this.#write(record);
    }
    this.#records = records.slice(sent);
    if (!this.#isOpen || this.#dropped === 0) return;
    const dropped = this.#dropped;
    this.#dropped = 0;
    this.#isOpen = this.#write({ dropped });
  }
}

import { serviceKey } from "@leveros/protocol";
import type { Change } from "./change.ts";
import type { HostNotes } from "./host-notes.ts";
import { textOf } from "./rows.ts";
import type { Statements } from "./statements.ts";

/** Begin the names of notes for each environment and each service whose files are still there. */
const REMOVED = "removed environment ";
const REMOVED_SERVICE = "removed service ";

export function sqliteNotes(statements: Statements, write: <T>(work: () => T) => T): HostNotes {
  const removed = (prefix: string): string[] =>
    statements.unfinishedRemovals.all(prefix).map((row) => textOf(row["removed"]));
  return {
    async read(name) {
      const value = statements.hostValue.get(name)?.["value"];
      return value === undefined ? undefined : textOf(value);
    },
    async write(name, value) {
      write(() => statements.putHostValue.run(name, value));
    },
    async remove(name) {
      write(() => statements.removeHostValue.run(name));
    },
    unfinishedRemovals: async () => removed(REMOVED),
    async finishRemoval(environment) {
      write(() => statements.removeHostValue.run(REMOVED + environment));
    },
    unfinishedServiceRemovals: async () =>
      removed(REMOVED_SERVICE).map((name) => {
        // No name has a slash.
        const [environment = "", service = ""] = name.split("/");
        return { environment, service };
      }),
    async finishServiceRemoval(environment, service) {
      write(() =>
        statements.removeHostValue.run(REMOVED_SERVICE + serviceKey(environment, service)),
      );
    },
  };
}

/** Notes, in the transaction of a change, the files that this host must remove after it. */
export function noteRemovals(statements: Statements, change: Change): void {
  const put = (name: string): unknown => statements.putHostValue.run(name, "");
  if (change.kind === "environmentRemoved") put(REMOVED + change.environment);
  if (change.kind === "serviceRemoved" && !change.keepsData) {
    put(REMOVED_SERVICE + serviceKey(change.environment, change.service));
  }
}

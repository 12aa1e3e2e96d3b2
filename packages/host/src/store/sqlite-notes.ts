import { serviceKey } from "@leveros/protocol";
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

/** Notes, in the transaction that removes an environment, that its files are still there. */
export function noteRemoval(statements: Statements, environment: string): void {
  statements.putHostValue.run(REMOVED + environment, "");
}

/** Notes, in the transaction that removes a service, that its data is still there. */
export function noteServiceRemoval(
  statements: Statements,
  environment: string,
  service: string,
): void {
  statements.putHostValue.run(REMOVED_SERVICE + serviceKey(environment, service), "");
}

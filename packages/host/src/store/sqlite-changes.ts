import { randomUUID } from "node:crypto";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { type AppliedChange, type Change, keyOf, type StoredChange } from "./change.ts";
import { rulesOf, writesOf } from "./change-statements.ts";
import { jsonOf, numberOf, textOf } from "./rows.ts";
import type { Statement } from "./sql-statement.ts";
import { noteRemovals } from "./sqlite-notes.ts";
import type { Statements } from "./statements.ts";

export type SqliteCommitResult =
  | ({ readonly outcome: "written" } & AppliedChange)
  | { readonly outcome: "conflict"; readonly revision: number };

/** The changes of a SQLite store. Only this process writes to it, so rules hold from their check to the commit. */
export class SqliteChanges {
  readonly #database: DatabaseSync;
  readonly #statements: Statements;
  readonly #write: <T>(work: () => T) => T;
  /** Statements of changes are prepared when the first change needs them. */
  readonly #prepared = new Map<string, StatementSync>();

  constructor(database: DatabaseSync, statements: Statements, write: <T>(work: () => T) => T) {
    this.#database = database;
    this.#statements = statements;
    this.#write = write;
  }

  revisionOf(key: string): number {
    return numberOf(this.#statements.revision.get(key)?.["revision"] ?? 0);
  }

  head(): Omit<StoredChange, "change"> {
    const { revision = 0, nonce = "" } = this.#statements.head.get() ?? {};
    return { revision: numberOf(revision), nonce: textOf(nonce) };
  }

  after(revision: number, most: number): readonly StoredChange[] | "gone" {
    const rows = this.#statements.changesAfter.all(revision, most);
    const changes = rows.map((row) => ({
      revision: numberOf(row["revision"]),
      nonce: textOf(row["nonce"]),
      change: jsonOf<Change>(row["value"]),
    }));
    const next = changes[0]?.revision ?? this.head().revision + 1;
    return next === revision + 1 ? changes : "gone";
  }

  commit(change: Change, expected: number | undefined): SqliteCommitResult {
    const { revision } = this.head();
    const isExpected = expected === undefined || this.revisionOf(keyOf(change)) === expected;
    const isPossible =
      isExpected && rulesOf(change).every((rule) => this.#rows(rule).length > 0 === rule.finds);
    if (!isPossible) return { outcome: "conflict", revision };
    const applied = this.apply({ revision: revision + 1, nonce: randomUUID(), change });
    return { outcome: "written", ...applied };
  }

  apply(stored: StoredChange): AppliedChange {
    const { revision, change } = stored;
    const removedCode = this.#write(() => {
      noteRemovals(this.#statements, change);
      return writesOf(stored).flatMap((statement) => this.#rows(statement));
    });
    return { revision, change, removedCode: removedCode.map((row) => textOf(row["codeId"])) };
  }

  #rows({ sql, values }: Statement): readonly Readonly<Record<string, unknown>>[] {
    let prepared = this.#prepared.get(sql);
    if (prepared === undefined) {
      prepared = this.#database.prepare(sql.replaceAll("$", "?"));
      this.#prepared.set(sql, prepared);
    }
    return prepared.all(...values);
  }
}

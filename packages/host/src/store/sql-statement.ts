/** SQL that SQLite and PostgreSQL read alike. SQLite writes the places of values as `?1`. */
export interface Statement {
  readonly sql: string;
  readonly values: readonly (string | number | null)[];
}

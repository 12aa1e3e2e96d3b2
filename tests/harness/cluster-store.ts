import { openPostgresStore, type PostgresStore, systemClock } from "@leveros/host/parts";
import type { TestPostgres } from "./postgres.ts";

/** A store in PostgreSQL, as one host has it. */
export interface TestStore extends PostgresStore, AsyncDisposable {
  /** The names of logged events. */
  readonly events: readonly string[];
}

export interface TestStoreOptions {
  readonly urls: readonly string[];
  /** What the host remembers about its database. Stores of one host share it. */
  readonly memory?: { text?: string };
}

/** Machines that run tests are busy: time-outs are long. */
const PATIENCE = 8;

/** Opens the store of a host. The database has its tables already. */
export async function openTestStore({ urls, memory = {} }: TestStoreOptions): Promise<TestStore> {
  const events: string[] = [];
  const store = await openPostgresStore({
    urls,
    memory: {
      read: async () => memory.text,
      write: async (text) => {
        memory.text = text;
      },
    },
    clock: systemClock,
    log: (_level, _part, event) => events.push(event),
    patience: PATIENCE,
  });
  // Connects.
  await store.cluster();
  return { ...store, events, [Symbol.asyncDispose]: () => store.close() };
}

/** Opens the store of a host in a new database. */
export async function createTestStore(
  server: TestPostgres,
  through: (url: string) => string = (url) => url,
): Promise<TestStore & { readonly database: string; readonly url: string }> {
  const database = await server.createDatabase();
  const url = server.url(database);
  const store = await openTestStore({ urls: [through(url)] });
  await store.createTables({ id: database, keyId: "key" });
  return { ...store, database, url };
}

import { processMs } from "@leveros/protocol";
import { type ProgramAddress, ProgramConnection } from "./program-connection.ts";

/** Connections that are kept without a request. */
const IDLE_MAX = 256;
/** Servers close idle connections after some seconds, the shortest common time being 2 s. A request that is sent then is lost. */
const IDLE_MS_MAX = 1_000;

/** The connections to a program: idle ones are used again, the last one first. */
export class ConnectionPool {
  readonly #address: ProgramAddress;
  readonly #open = new Set<ProgramConnection>();
  #idle: ProgramConnection[] = [];

  constructor(address: ProgramAddress) {
    this.#address = address;
  }

  /** A connection without a request. `isNew`: none that has had one. */
  take({ isNew = false }: { readonly isNew?: boolean } = {}): ProgramConnection {
    const since = processMs() - IDLE_MS_MAX;
    while (!isNew) {
      const found = this.#idle.pop();
      if (found === undefined) break;
      if (found.isOpen && found.idleSince >= since) return found;
      found.destroy();
    }
    const connection = new ProgramConnection(this.#address, (closed) => this.#forget(closed));
    this.#open.add(connection);
    return connection;
  }

  /** Takes back a connection whose request and answer are complete. */
  giveBack(connection: ProgramConnection, keepAliveSeconds: number | undefined): void {
    connection.release();
    const isKept = keepAliveSeconds === undefined || keepAliveSeconds * 1_000 > IDLE_MS_MAX;
    if (!isKept || !connection.isOpen || this.#idle.length >= IDLE_MAX) {
      connection.destroy();
      return;
    }
    connection.idleSince = processMs();
    this.#idle.push(connection);
  }

  close(): void {
    for (const connection of this.#open) connection.destroy();
  }

  #forget(connection: ProgramConnection): void {
    this.#open.delete(connection);
    const at = this.#idle.indexOf(connection);
    if (at !== -1) this.#idle.splice(at, 1);
  }
}

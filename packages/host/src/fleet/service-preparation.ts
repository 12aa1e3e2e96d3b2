import { join } from "node:path";
import { serviceKey } from "@leveros/protocol";
import type { ServiceFolders } from "../launcher/launcher.ts";
import type { VersionRecord } from "../store/store.ts";
import type { SpecSources } from "./instance-spec.ts";

/** So many services wait for their preparation. A host may have very many: those that are added last count. */
const WAITING_MAX = 64;

export interface PreparationOptions
  extends Pick<SpecSources, "codeDirOf" | "serviceDataDir" | "makeDir"> {
  readonly prepare: (folders: ServiceFolders) => Promise<void>;
}

/** Has the launcher prepare live versions before a call waits for that: one after the other, to leave time for calls. */
export class ServicePreparation {
  readonly #options: PreparationOptions;
  readonly #waiting = new Map<string, VersionRecord>();
  #running: Promise<void> | undefined;
  #current: Promise<void> | undefined;

  constructor(options: PreparationOptions) {
    this.#options = options;
  }

  /** A later version of the same service replaces this one. */
  add(record: VersionRecord): void {
    const key = serviceKey(record.environment, record.service);
    this.#waiting.delete(key);
    this.#waiting.set(key, record);
    const [first] = this.#waiting.keys();
    if (this.#waiting.size > WAITING_MAX && first !== undefined) this.#waiting.delete(first);
    // Services that are added at once are all known when the first is prepared.
    this.#running ??= new Promise(setImmediate).then(() => this.#run());
  }

  /** The environment, or a service of it, is removed. Resolves when none of what is removed is being prepared. */
  async forget(environment: string, service?: string): Promise<void> {
    for (const [key, record] of this.#waiting) {
      const isGone = service === undefined || record.service === service;
      if (record.environment === environment && isGone) this.#waiting.delete(key);
    }
    await this.#current;
  }

  /** Resolves when none is being prepared; no other one will be. */
  async close(): Promise<void> {
    this.#waiting.clear();
    await this.#running;
  }

  async #run(): Promise<void> {
    for (;;) {
      const [next] = this.#waiting;
      if (next === undefined) break;
      const [key, record] = next;
      this.#waiting.delete(key);
      // A failure is reported when an instance starts.
      this.#current = this.#prepare(record).catch(() => {});
      await this.#current;
    }
    this.#running = undefined;
  }

  async #prepare(record: VersionRecord): Promise<void> {
    const { codeDirOf, serviceDataDir, makeDir, prepare } = this.#options;
    const { environment, service } = record;
    const codeDir = await codeDirOf(record);
    const dataDir = join(serviceDataDir, environment, service);
    makeDir(dataDir);
    await prepare({ environment, service, codeDir, dataDir });
  }
}

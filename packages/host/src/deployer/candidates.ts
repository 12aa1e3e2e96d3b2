import { join } from "node:path";
import { isFilesOnly } from "@leveros/protocol";
import type { Clock } from "../clock.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { Instance } from "../fleet/instance.ts";
import type { Log } from "../logs/log.ts";
import type { SiteFiles } from "../router/live-version.ts";
import type { Router } from "../router/router.ts";
import type { VersionRecord } from "../store/store.ts";
import { goLive } from "./go-live.ts";

interface CandidatesOptions {
  readonly router: Router;
  readonly fleet: Fleet;
  /** The folder with a version's code; unpacks it first where that is needed. */
  readonly codeDirOf: (record: VersionRecord) => Promise<string>;
  readonly clock: Clock;
  readonly log: Log;
}

/** A version that another host was about to make live has failed there if it is not live by then. */
const PREPARED_MS = 60_000;

/** Instances that were started before their versions are live. Each becomes the first instance of its version. */
export class Candidates {
  readonly #options: CandidatesOptions;
  /** By the codeId of the version. */
  readonly #started = new Map<string, Instance>();

  constructor(options: CandidatesOptions) {
    this.#options = options;
  }

  /**
   * Starts a candidate of a version. `commit` makes the version live. If it fails, the candidate is killed. A version that has
   * only files has no candidate.
   */
  async replace(
    version: VersionRecord,
    commit: (candidate: Pick<Instance, "methods">) => Promise<void>,
  ): Promise<void> {
    if (isFilesOnly(version.leverJson)) {
      await commit({ methods: [] });
      return;
    }
    const candidate = await this.#options.fleet.startCandidate(version);
    this.#started.set(version.codeId, candidate);
    try {
      await commit(candidate);
    } catch (error) {
      candidate.kill();
      throw error;
    } finally {
      this.#started.delete(version.codeId);
    }
  }

  /** Starts a candidate of a version that another host is about to make live. */
  async prepare(version: VersionRecord): Promise<void> {
    const { fleet, clock, codeDirOf } = this.#options;
    const { codeId, leverJson } = version;
    if (isFilesOnly(leverJson)) {
      await codeDirOf(version);
      return;
    }
    const candidate = await fleet.startCandidate(version);
    this.#started.set(codeId, candidate);
    const forget = (): void => {
      clock.clearTimeout(timer);
      if (this.#started.get(codeId) !== candidate) return;
      this.#started.delete(codeId);
      candidate.kill();
    };
    const timer = clock.setTimeout(forget, PREPARED_MS);
    void candidate.exited.then(forget);
  }

  /** Makes a version live on this host, with its candidate, if it has one here. */
  async goLive(record: VersionRecord): Promise<void> {
    const { static: folder } = record.leverJson;
    // A gateway reads the files, so that they must be there.
    const files = folder === undefined ? undefined : await this.#filesOf(record, folder);
    const candidate = this.#started.get(record.codeId);
    this.#started.delete(record.codeId);
    goLive(this.#options, record, { candidate, files });
  }

  async #filesOf(record: VersionRecord, folder: string): Promise<SiteFiles | undefined> {
    const { codeDirOf, log } = this.#options;
    try {
      const codeDir = await codeDirOf(record);
      return { folder: join(codeDir, folder), fallback: record.leverJson.staticFallback };
    } catch (error) {
      const { environment, service, version } = record;
      const about = { environment, service, version, reason: String(error) };
      log("error", "deployer", "files not served", about);
      return undefined;
    }
  }
}

import type { Fleet } from "../fleet/fleet.ts";
import type { Instance } from "../fleet/instance.ts";
import type { Router } from "../router/router.ts";
import type { VersionRecord } from "../store/store.ts";
import { goLive } from "./go-live.ts";

/** Instances that were started before their versions are live. Each becomes the first instance of its version. */
export class Candidates {
  readonly #parts: { readonly router: Router; readonly fleet: Fleet };
  /** By the codeId of the version. */
  readonly #started = new Map<string, Instance>();

  constructor({ router, fleet }: { router: Router; fleet: Fleet }) {
    this.#parts = { router, fleet };
  }

  /** Starts a candidate of a version. `commit` makes the version live. If it fails, the candidate is killed. */
  async replace(
    version: VersionRecord,
    commit: (candidate: Instance) => Promise<void>,
  ): Promise<void> {
    const candidate = await this.#parts.fleet.startCandidate(version);
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

  /** Makes a version live on this host, with its candidate, if it has one here. */
  goLive(record: VersionRecord): void {
    goLive(this.#parts, record, this.#started.get(record.codeId));
  }
}

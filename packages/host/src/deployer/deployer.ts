import {
  type DeployReport,
  LeverError,
  type Limits,
  type RestartReport,
  type RollbackReport,
  serviceKey,
} from "@leveros/protocol";
import type { Clock } from "../clock.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { Instance } from "../fleet/instance.ts";
import type { Log } from "../logs/log.ts";
import type { Router } from "../router/router.ts";
import type { Store, VersionRecord } from "../store/store.ts";
import type { CodeFolders } from "./code-folders.ts";
import { goLive } from "./go-live.ts";
import { readService } from "./read-service.ts";

export interface DeployerOptions {
  readonly store: Store;
  readonly folders: CodeFolders;
  readonly fleet: Fleet;
  readonly router: Router;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly log: Log;
  /** Removes the data folders of an environment's services. */
  readonly removeServiceData: (environment: string) => Promise<void>;
}

const DEPLOYS_WAITING_MAX = 64;

/**
 * Deploys services: receive → unpack → check → start one instance and ask it for its methods → make live → drain the old.
 *
 * - D1. The store's one transaction decides. Everything before it can be thrown away; after it the version is live,
 *   whoever restarts.
 * - D2. Until then the old version goes on serving, and a deploy that fails leaves nothing behind.
 * - D3. Deploys of one service happen one after the other, in the order in which their archives were checked.
 */
export class Deployer {
  readonly #options: DeployerOptions;
  readonly #lastOfService = new Map<string, Promise<unknown>>();
  readonly #waiting: (() => void)[] = [];
  #underWay = 0;

  constructor(options: DeployerOptions) {
    this.#options = options;
  }

  /** @throws LeverError that says what is wrong with the archive, the service, or its start. */
  async deploy(environment: string, archive: AsyncIterable<unknown>): Promise<DeployReport> {
    const { limits, folders } = this.#options;
    this.#checkEnvironment(environment);
    await this.#takeTurn(limits.concurrentDeploysMax);
    let codeId: string | undefined;
    try {
      const startedAt = this.#options.clock.now();
      const received = await folders.receive(archive);
      codeId = received.codeId;
      const receivedAt = this.#options.clock.now();
      const unpacked = await folders.unpack(codeId);
      const unpackedAt = this.#options.clock.now();
      const service = await readService(unpacked.codeDir);
      const { name } = service.leverJson;
      const { record, startMs } = await this.#inOrder(serviceKey(environment, name), () =>
        this.#publish({
          environment,
          service: name,
          codeId: received.codeId,
          leverJson: service.leverJson,
          archiveBytes: received.archiveBytes,
          unpackedBytes: unpacked.unpackedBytes,
        }),
      );
      return {
        environment,
        service: name,
        version: record.version,
        methods: record.methods,
        warnings: service.warnings,
        archiveBytes: record.archiveBytes,
        unpackedBytes: record.unpackedBytes,
        entries: unpacked.entries,
        times: {
          uploadMs: Math.round(receivedAt - startedAt),
          unpackMs: Math.round(unpackedAt - receivedAt),
          startMs: Math.round(startMs),
          totalMs: Math.round(this.#options.clock.now() - startedAt),
        },
      };
    } catch (error) {
      // D2, and never what D1 has decided.
      if (codeId !== undefined && !(await this.#options.store.codeIds()).has(codeId)) {
        await folders.remove(codeId);
      }
      const reason = error instanceof Error ? error.message : String(error);
      this.#options.log("warn", "deployer", "deploy failed", { environment, reason });
      throw error;
    } finally {
      this.#underWay--;
      this.#waiting.shift()?.();
    }
  }

  /**
   * Makes a kept version live again, as a deploy does: it is started first, and the instances of the version that was
   * live finish what they have. Without a number, the newest that is older than the live one.
   * @throws LeverError when there is no such version, or when it does not start.
   */
  async rollBack(environment: string, service: string, wanted?: number): Promise<RollbackReport> {
    return await this.#inOrder(serviceKey(environment, service), async () => {
      const { store, fleet, log } = this.#options;
      const live = fleet.service(environment, service)?.live;
      if (live === undefined) {
        throw new LeverError(
          "unknown_service",
          `There is no service ${service} in ${environment}.`,
        );
      }
      const kept = (await store.versions(environment)).filter((of) => of.service === service);
      const record = kept.find(({ version }) =>
        wanted === undefined ? version < live.version : version === wanted,
      );
      if (record === undefined) {
        const numbers = kept.map(({ version }) => version).join(", ");
        const what = wanted === undefined ? "older version" : `version ${wanted}`;
        throw new LeverError(
          "invalid_service",
          `Cannot roll back ${service}: there is no ${what}; kept are ${numbers}, and ${live.version} is live.`,
        );
      }
      const report = {
        environment,
        service,
        version: record.version,
        previousVersion: live.version,
      };
      if (record.version === live.version) return report;
      const candidate = await fleet.startCandidate(record);
      try {
        // D1.
        await store.makeLive(environment, service, record.version);
        goLive(this.#options, record, candidate);
      } catch (error) {
        candidate.kill();
        throw error;
      }
      log("info", "deployer", "service rolled back", report);
      return report;
    });
  }

  /**
   * Replaces the instances of a service, or of every service of an environment, as a deploy does: what is set for them
   * has changed. One that does not start with the change goes on as it was.
   */
  async restartInstances(environment: string, service: string): Promise<RestartReport> {
    const { fleet } = this.#options;
    const restarted: string[] = [];
    const failed: { service: string; reason: string }[] = [];
    const all = fleet.servicesOf(environment);
    for (const running of service === ""
      ? all
      : all.filter(({ live }) => live.service === service)) {
      const name = running.live.service;
      await this.#inOrder(serviceKey(environment, name), async () => {
        if (running.instances.length === 0) return;
        try {
          const candidate = await fleet.startCandidate(running.live);
          try {
            goLive(this.#options, running.live, candidate);
          } catch (error) {
            candidate.kill();
            throw error;
          }
          restarted.push(name);
        } catch (error) {
          failed.push({
            service: name,
            reason: error instanceof Error ? error.message : String(error),
          });
        }
      });
    }
    return { restarted, failed };
  }

  /** Ends everything of an environment, and forgets it with its services, their code, data and variables. */
  async removeEnvironment(environment: string): Promise<void> {
    const { store, fleet, router, folders, log } = this.#options;
    router.removeEnvironment(environment);
    const versions = await store.versions(environment);
    // T1, T2: from here on a restart does not bring it back.
    await store.removeEnvironment(environment);
    await fleet.removeEnvironment(environment);
    for (const { codeId } of versions) await folders.remove(codeId);
    await this.#options.removeServiceData(environment);
    log("info", "deployer", "environment removed", { environment });
  }

  /** Further deploys wait, without being read; @throws LeverError `overloaded` when too many do. */
  async #takeTurn(concurrentDeploysMax: number): Promise<void> {
    if (this.#waiting.length >= DEPLOYS_WAITING_MAX) {
      throw new LeverError(
        "overloaded",
        `Cannot deploy: ${DEPLOYS_WAITING_MAX} deploys wait already.`,
        {
          retryAfterSeconds: 5,
        },
      );
    }
    if (this.#underWay >= concurrentDeploysMax) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#underWay++;
  }

  async #publish(
    draft: Omit<VersionRecord, "version" | "methods" | "deployedAt">,
  ): Promise<{ record: VersionRecord; startMs: number }> {
    const { store, fleet, folders, limits, clock, log } = this.#options;
    const version = await store.nextVersion(draft.environment, draft.service);
    const candidateRecord = {
      ...draft,
      version,
      methods: [],
      deployedAt: new Date().toISOString(),
    };
    const startedAt = clock.now();
    const candidate: Instance = await fleet.startCandidate(candidateRecord);
    const startMs = clock.now() - startedAt;
    let record: VersionRecord;
    let dropped: readonly VersionRecord[];
    try {
      record = { ...candidateRecord, methods: candidate.methods };
      if (record.methods.length === 0 && draft.leverJson.entry === undefined) {
        throw new LeverError(
          "invalid_service",
          `Cannot deploy ${draft.service}: ${draft.leverJson.jsEntry} exports no functions, so it has no methods.`,
        );
      }
      // It may have been removed meanwhile; nothing of it may be left in the store.
      this.#checkEnvironment(draft.environment);
      // D1.
      dropped = await store.publishVersion(record, limits);
      goLive(this.#options, record, candidate);
    } catch (error) {
      candidate.kill();
      throw error;
    }
    const { environment, service } = record;
    log("info", "deployer", "deployed", { environment, service, version });
    for (const old of dropped) {
      folders.remove(old.codeId).catch((error: unknown) => {
        log("warn", "deployer", "version cleanup failed", { service, reason: String(error) });
      });
    }
    return { record, startMs };
  }

  /** @throws LeverError when there is none that takes services. */
  #checkEnvironment(environment: string): void {
    if (this.#options.router.environment(environment)?.access.kind === "services") return;
    throw new LeverError(
      "unknown_environment",
      `Cannot deploy: there is no environment ${environment} that takes services.`,
    );
  }

  /** D3. */
  async #inOrder<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#lastOfService.get(key) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.#lastOfService.set(key, mine);
    try {
      return await mine;
    } finally {
      if (this.#lastOfService.get(key) === mine) this.#lastOfService.delete(key);
    }
  }
}

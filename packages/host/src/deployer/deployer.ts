import {
  type DeployReport,
  isSourcePath,
  type LeverJson,
  type RestartReport,
  type RollbackReport,
  type ServiceRestart,
  serviceKey,
} from "@leveros/protocol";
import { isoTime } from "../clock.ts";
import type { ServiceFleet } from "../fleet/service-fleet.ts";
import type { AppliedChange } from "../store/change.ts";
import type { VersionRecord } from "../store/store.ts";
import { Candidates } from "./candidates.ts";
import { checkMethods } from "./check-methods.ts";
import { newCodeId } from "./code-id.ts";
import type { UnpackedCode } from "./code-store.ts";
import { deployReport } from "./deploy-report.ts";
import { DeploySlots } from "./deploy-slots.ts";
import {
  areEntries,
  type DeployOptions,
  type DeploySource,
  type NamedDeploy,
  type ReceivedCode,
} from "./deploy-source.ts";
import type { DeployerOptions } from "./deployer-options.ts";
import { findVersion, unknownService } from "./kept-version.ts";
import { readService } from "./read-service.ts";
import { withinUploadTime } from "./upload-time.ts";
import { VersionChanges } from "./version-changes.ts";

/** Deploys at once, from the first byte of the upload on. Each may have an archive of `archiveBytesMax` on the disk. */
const DEPLOYS_MAX = 64;

/** A version as it is before its instance has started and named its methods. */
type VersionFields = Omit<VersionRecord, "version" | "methods" | "deployedAt">;

/**
 * Deploys services: receive → unpack → check → transform TypeScript → start one instance, which names its methods → make
 * live → drain the old instances.
 *
 * - D1. The store's one transaction decides. Before it, everything can be discarded; after it, the version is live, also
 *   after a restart.
 * - D2. Until then the old version serves its calls, and a deploy that fails leaves nothing behind.
 * - D3. Deploys of one service happen one after the other, in the order in which their archives were checked.
 */
export class Deployer {
  readonly #options: DeployerOptions;
  readonly #slots: DeploySlots;
  readonly candidates: Candidates;
  readonly #versions: VersionChanges;

  constructor(options: DeployerOptions) {
    this.#options = options;
    const codeDirOf = (record: VersionRecord) => this.codeDirOf(record);
    this.candidates = new Candidates({ ...options, codeDirOf });
    this.#versions = new VersionChanges(options);
    this.#slots = new DeploySlots({
      runningMax: options.limits.concurrentDeploysMax,
      deploysMax: DEPLOYS_MAX,
    });
  }

  /** Makes a version live that the store has as live. */
  async apply({ change, removedCode }: AppliedChange): Promise<void> {
    if (change.kind !== "versionPublished" && change.kind !== "versionMadeLive") return;
    const { record } = change;
    await this.goLive(record);
    const { code, log } = this.#options;
    for (const codeId of removedCode) {
      code.remove(codeId).catch((error: unknown) => {
        const { service } = record;
        log("warn", "deployer", "version cleanup failed", { service, reason: String(error) });
      });
    }
  }

  /** Makes a version that the store has as live the one that gets calls. */
  async goLive(record: VersionRecord): Promise<void> {
    await this.candidates.goLive(record);
  }

  /**
   * @throws LeverError with what is wrong with the environment, the archive, the service, or its start; `conflict` when
   * a kept file is not there any more.
   */
  async deploy(
    environment: string,
    source: DeploySource,
    options: DeployOptions = {},
  ): Promise<DeployReport> {
    this.#options.environments.require(environment);
    return await this.#slots.admit(environment, () => this.#deploy(environment, source, options));
  }

  async #deploy(
    environment: string,
    source: DeploySource,
    { onProgress = () => {}, named = {}, kept }: DeployOptions,
  ): Promise<DeployReport> {
    const { clock, code, log, store } = this.#options;
    let codeId: string | undefined;
    try {
      const startedAt = clock.now();
      const received = areEntries(source)
        ? { codeId: newCodeId(), archiveBytes: 0, entries: source }
        : await code.receive(withinUploadTime(source, this.#options), !kept);
      codeId = received.codeId;
      const receivedAt = clock.now();
      let hasWaited = false;
      // An upload takes no slot: it may be slow, and other deploys do not depend on it.
      return await this.#slots.run(
        environment,
        async () => {
          if (hasWaited) onProgress({ progress: "starting" });
          const more = { kept, startedAt, receivedAt, named };
          return await this.#install(environment, { entries: undefined, ...received, ...more });
        },
        (others) => {
          hasWaited = true;
          onProgress({ progress: "waiting", ...others });
        },
      );
    } catch (error) {
      // D2, and nothing that D1 has decided.
      if (codeId !== undefined && !(await store.codeIds()).has(codeId)) await code.discard(codeId);
      log("warn", "deployer", "deploy failed", { environment, ...named, reason: reasonOf(error) });
      throw error;
    }
  }

  async #install(
    environment: string,
    { codeId, archiveBytes, kept, entries, startedAt, receivedAt, named }: ReceivedCode,
  ): Promise<DeployReport> {
    const { clock, code, keptVersions, router } = this.#options;
    const turnAt = clock.now();
    const wholeBytes = kept && (await keptVersions.addTo(codeId, environment, kept));
    const complete = async (found: UnpackedCode) => {
      const service = await readService(found.folder);
      named.service = service.leverJson.name;
      const transformMs = await this.#transform(found, { environment, ...service.leverJson });
      return { ...found, ...service, transformMs };
    };
    const unpacked = await code.unpack(codeId, complete, entries);
    const unpackedAt = clock.now();
    const { leverJson, unpackedBytes } = unpacked;
    const { name } = leverJson;
    const fields: VersionFields = {
      environment,
      service: name,
      codeId,
      leverJson,
      archiveBytes: wholeBytes ?? archiveBytes,
      unpackedBytes,
    };
    const publish = () => this.#publish(fields, named);
    const { record, startMs } = await this.#inTurn(environment, name, publish);
    const times = { startedAt, receivedAt, turnAt, unpackedAt, startMs, endedAt: clock.now() };
    const hostName = router.sites.hostNameOf(environment, name);
    return deployReport(record, { ...unpacked, hostName }, times);
  }

  /** The folder with a version's code. After a crash of the machine, it is made again from the archive. */
  async codeDirOf(record: VersionRecord): Promise<string> {
    const { environment, service, leverJson } = record;
    const { jsEntry } = leverJson;
    return await this.#options.code.codeDirOf(record, async (unpacked) => {
      await this.#transform(unpacked, { environment, name: service, jsEntry });
    });
  }

  /** Resolves to the time that it took; undefined = there is nothing to transform. */
  async #transform(
    { folder, hasTypeScript }: UnpackedCode,
    { environment, name, jsEntry }: { environment: string } & Pick<LeverJson, "name" | "jsEntry">,
  ): Promise<number | undefined> {
    if (jsEntry === undefined || !(hasTypeScript || isSourcePath(jsEntry))) return undefined;
    const { clock, transform } = this.#options;
    const startedAt = clock.now();
    await transform({ environment, service: name, codeDir: folder, jsEntry });
    return clock.now() - startedAt;
  }

  /**
   * Makes a kept version live again, as a deploy does: it is started first, and instances of the version that was live
   * finish the calls that they have. Without a number: the newest version that is older than the live one.
   * @throws LeverError when there is no such version, or when it does not start.
   */
  async rollBack(environment: string, service: string, wanted?: number): Promise<RollbackReport> {
    return await this.#inTurn(environment, service, async () => {
      const { fleet, log } = this.#options;
      const live = fleet.service(environment, service)?.live;
      if (live === undefined) throw unknownService(environment, service);
      const kept = await this.#versions.kept(environment, service);
      const record = findVersion(kept, { service, live: live.version, wanted });
      const { version } = record;
      const report = { environment, service, version, previousVersion: live.version };
      if (version === live.version) return report;
      await this.candidates.replace(record, async () => {
        await this.#options.prepareElsewhere?.(record);
        // D1.
        await this.#versions.makeLive(record, live.version);
      });
      log("info", "deployer", "service rolled back", report);
      return report;
    });
  }

  /**
   * Replaces the instances of a service, or of every service of an environment (`""`), as a deploy does: their variables
   * have changed. A service that does not start with the change keeps its instances.
   */
  async restartInstances(environment: string, service: string): Promise<RestartReport> {
    const restarted: string[] = [];
    const failed: { service: string; reason: string }[] = [];
    const services = this.#options.fleet.servicesOf(environment);
    for (const running of services) {
      const name = running.live.service;
      if (service !== "" && service !== name) continue;
      await this.#inTurn(environment, name, async () => {
        try {
          if (await this.#restart(running)) restarted.push(name);
        } catch (error) {
          failed.push({ service: name, reason: reasonOf(error) });
        }
      });
    }
    const isDeployed = service === "" || services.some(({ live }) => live.service === service);
    return { isDeployed, restarted, failed };
  }

  /**
   * Replaces the instances of a service, as a deploy does. A service whose instances have failed is started, too.
   * @throws LeverError `unknown_service`; `start_failed` with the reason, and then nothing has changed.
   */
  async restartService(environment: string, service: string): Promise<ServiceRestart> {
    return await this.#inTurn(environment, service, async () => {
      const running = this.#options.fleet.service(environment, service);
      if (running === undefined) throw unknownService(environment, service);
      const { live, instances, route } = running;
      // The other hosts, if there are any, replace theirs.
      await this.#versions.restart(environment, service);
      const isStarted = instances.length > 0 || route.lastFailure !== undefined;
      if (isStarted) await this.candidates.replace(live, () => this.goLive(live));
      const { version } = live;
      return { environment, service, version, replaced: instances.length, isStarted };
    });
  }

  /** False = it has no instances. */
  async #restart(running: ServiceFleet): Promise<boolean> {
    if (running.instances.length === 0) return false;
    const { live } = running;
    await this.candidates.replace(live, () => this.goLive(live));
    return true;
  }

  async #publish(
    fields: VersionFields,
    named: NamedDeploy,
  ): Promise<{ record: VersionRecord; startMs: number }> {
    const { code, removals, limits, clock, log } = this.#options;
    const { environment, service } = fields;
    await removals.finish(environment, service);
    const version = await this.#versions.reserve(environment, service);
    named.version = version;
    const deployedAt = isoTime(clock.wallTime());
    const startedAt = clock.now();
    let startMs = 0;
    let record: VersionRecord = { ...fields, version, methods: [], deployedAt };
    await this.candidates.replace(record, async ({ methods }) => {
      startMs = clock.now() - startedAt;
      checkMethods(service, methods);
      record = { ...record, methods };
      await code.share(record.codeId);
      await this.#options.prepareElsewhere?.(record);
      // D1.
      await this.#versions.publish(record, limits.versionsKeptMax);
    });
    log("info", "deployer", "deployed", { environment, service, version });
    return { record, startMs };
  }

  async #inTurn<Result>(
    environment: string,
    service: string,
    work: () => Promise<Result>,
  ): Promise<Result> {
    return await this.#options.turns.run(serviceKey(environment, service), work);
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

import type { VersionFiles } from "../deployer/version-files.ts";
import type { Router } from "../router/router.ts";
import type { Store } from "../store/store.ts";
import { type Argument, environment, service, text, version } from "./arguments.ts";
import { findEnvironment } from "./find-environment.ts";
import { adminMethod, type Methods } from "./method-table.ts";

export interface VersionParts {
  readonly router: Router;
  readonly store: Pick<Store, "versions">;
  readonly versionFiles: VersionFiles;
}

const before: Argument<number> = { ...version, name: "before" };

/** Methods that show the kept versions of a service. Code may have secrets, so its files need the right to deploy. */
export const versionMethods: Methods<
  VersionParts,
  "listVersions" | "compareVersions" | "readFile"
> = {
  listVersions: adminMethod(
    {
      right: "look",
      isChange: false,
      arguments: [environment, service],
      does: "Lists the kept versions of a service, newest first.",
    },
    async ({ router, store }, place, name) => {
      findEnvironment(router, place);
      const all = await store.versions(place);
      return all
        .filter((record) => record.service === name)
        .map(({ version: number, deployedAt, archiveBytes, unpackedBytes }) => ({
          version: number,
          deployedAt,
          archiveBytes,
          unpackedBytes,
        }));
    },
  ),

  compareVersions: adminMethod(
    {
      right: "deploy",
      isChange: false,
      arguments: [environment, service, before, version],
      does: "Lists the files that differ between two kept versions of a service, with their sizes in each.",
    },
    async ({ router, versionFiles }, place, name, old, now) => {
      findEnvironment(router, place);
      return await versionFiles.compare(place, name, { before: old, after: now });
    },
  ),

  readFile: adminMethod(
    {
      right: "deploy",
      isChange: false,
      arguments: [environment, service, version, text("path")],
      does: "Shows a file of a kept version, up to 256 KiB of text, as it was deployed.",
    },
    async ({ router, versionFiles }, place, name, number, path) => {
      findEnvironment(router, place);
      return await versionFiles.read(place, { service: name, version: number, path });
    },
  ),
};

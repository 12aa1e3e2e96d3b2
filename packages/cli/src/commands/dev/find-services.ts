import { join } from "node:path";
import { GitIgnore } from "../deploy/contents/git-ignore.ts";
import { findRepository } from "../deploy/contents/workspace-root.ts";
import { searchServices } from "../deploy/services-below.ts";

const DEPTH_MAX = 6;
const SERVICES_MAX = 200;

/** Absolute paths. */
export interface ServiceFolders {
  readonly services: readonly string[];
  /** Folders in which a service may appear. */
  readonly folders: readonly string[];
}

/** Finds every service at or below a folder, without those that git ignores, such as what a build has copied. */
export async function findServices(dir: string): Promise<ServiceFolders> {
  const git = new GitIgnore((await findRepository(dir)) ?? dir);
  const { services, folders } = await searchServices(dir, {
    depthMax: DEPTH_MAX,
    foundMax: SERVICES_MAX,
    includesTop: true,
    ignoresIn: (folder) => git.in(folder),
  });
  return {
    services: services.map((path) => join(dir, path)),
    folders: folders.map((path) => join(dir, path)),
  };
}

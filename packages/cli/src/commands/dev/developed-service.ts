import { statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { DeployReport, LeverJson } from "@leveros/protocol";
import type { CodeEntry } from "../deploy/contents/contents.ts";
import { readServiceFolder, type ServiceFolder } from "../deploy/service-folder.ts";
import { QuietMoment } from "./quiet-moment.ts";
import { WatchedFolders } from "./watched-folders.ts";

/** The end of a deploy that a save has caused. */
export type Outcome =
  | { readonly kind: "deployed"; readonly report: DeployReport; readonly ms: number }
  | { readonly kind: "failed"; readonly reason: string };

export interface DevelopedServiceOptions {
  /** The absolute path of its folder. */
  readonly folder: string;
  /** Claims the name in its lever.json. Returns a reason when it cannot have it. */
  claim(leverJson: LeverJson): string | undefined;
  /** The service has other variables when this is another text. */
  variables(name: string): string;
  deploy(entries: readonly CodeEntry[], leverJson: LeverJson): Promise<DeployReport>;
  onOutcome(service: DevelopedService, outcome: Outcome): void;
}

/** Names that editors give to files that they keep beside an open one. */
const EDITORS_OWN = /^(?:\.#.*|#.*#|.*~|\..*\.sw[a-z]|4913)$/;

/** A service whose folder is watched: deploys it when it has changed, one deploy after the other. */
export class DevelopedService {
  readonly folder: string;
  readonly #options: DevelopedServiceOptions;
  readonly #quiet: QuietMoment;
  readonly #watched: WatchedFolders;
  /** The name in its lever.json; undefined = it has had none yet. */
  name: string | undefined;
  /** Why its last save did not become live. */
  problem: string | undefined;
  #deployed = "";
  #work: Promise<void> | undefined;
  #isDue = false;
  #isClosed = false;

  constructor(options: DevelopedServiceOptions) {
    this.folder = options.folder;
    this.#options = options;
    this.#quiet = new QuietMoment(() => void this.deploy());
    this.#watched = new WatchedFolders(() => this.#quiet.change());
    this.#watched.set(new Set([options.folder]));
  }

  /** Deploys it if it has changed, after the deploy that runs. `isForced`: also if it has not. */
  async deploy({ isForced = false }: { readonly isForced?: boolean } = {}): Promise<void> {
    if (isForced) this.#deployed = "";
    this.#isDue = true;
    this.#work ??= this.#deployWhileDue().finally(() => {
      this.#work = undefined;
    });
    await this.#work;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#quiet.close();
    this.#watched.close();
    await this.#work;
  }

  async #deployWhileDue(): Promise<void> {
    while (this.#isDue && !this.#isClosed) {
      this.#isDue = false;
      const startedAt = performance.now();
      try {
        const report = await this.#deployOnce();
        if (report === undefined) continue;
        this.problem = undefined;
        const ms = Math.round(performance.now() - startedAt);
        this.#options.onOutcome(this, { kind: "deployed", report, ms });
      } catch (error) {
        // Its removal is another change, which is deployed.
        if (isGone(error)) continue;
        const reason = error instanceof Error ? error.message : String(error);
        if (this.#isClosed || reason === this.problem) continue;
        this.problem = reason;
        this.#options.onOutcome(this, { kind: "failed", reason });
      }
    }
  }

  /** undefined = nothing has changed. */
  async #deployOnce(): Promise<DeployReport | undefined> {
    const found = await readServiceFolder(this.folder, "", { linksPackages: true });
    const { name } = found.leverJson;
    const reason = this.#options.claim(found.leverJson);
    if (reason !== undefined) throw new Error(reason);
    this.name = name;
    const entries = found.entries.filter(
      ({ path }) => !EDITORS_OWN.test(path.slice(path.lastIndexOf("/") + 1)),
    );
    // A file may have been written into a new folder before that was watched.
    if (this.#watched.set(foldersOf(found, entries))) this.#quiet.change();
    const state = stateOf(entries) + this.#options.variables(name);
    if (state === this.#deployed) return undefined;
    // Set before the deploy: the same files would fail again.
    this.#deployed = state;
    return await this.#options.deploy(entries, found.leverJson);
  }
}

/** A file, such as a temporary one of an editor, was removed before it was copied. */
function isGone(error: unknown): boolean {
  const { code, syscall } = error as Partial<NodeJS.ErrnoException>;
  return code === "ENOENT" && syscall === "copyfile";
}

/** A text that is another one when a file has changed. */
function stateOf(entries: readonly CodeEntry[]): string {
  return entries.map((entry) => `${entry.path}\0${versionOf(entry)}\n`).join("");
}

function versionOf(entry: CodeEntry): string {
  switch (entry.kind) {
    case "folder":
      return "";
    case "text":
      return entry.text;
    case "file":
      return changeOf(entry.source);
    case "link":
      return `${entry.target} ${entry.target.startsWith("/") ? changeOf(join(entry.target, "package.json")) : ""}`;
  }
}

function changeOf(file: string): string {
  const stats = statSync(file, { throwIfNoEntry: false });
  return `${stats?.ctimeMs} ${stats?.size} ${stats?.ino}`;
}

/** The folders with its files, also those elsewhere in its workspace, and those with its packages. */
function foldersOf(
  { path: folder, root }: ServiceFolder,
  entries: readonly CodeEntry[],
): ReadonlySet<string> {
  const folders = new Set([folder, join(folder, "node_modules"), root, join(root, "node_modules")]);
  for (const entry of entries) {
    if (entry.kind === "file") folders.add(dirname(entry.source));
    if (entry.kind === "folder" && !entry.path.startsWith("node_modules")) {
      folders.add(join(folder, entry.path));
    }
  }
  return folders;
}

import { realpath, stat } from "node:fs/promises";
import { basename, dirname, join, posix } from "node:path";
import { type ArchiveLayout, linkTarget } from "./archive-layout.ts";
import type { Collected, FolderLink, LostPackage, TreeKind } from "./collected.ts";
import type { CodeEntry } from "./contents.ts";
import { type FoundPackage, PackageFinder, packageFolderOf } from "./find-package.ts";
import type { IgnoreEntry } from "./git-ignore.ts";
import type { IgnoreRules } from "./ignore-rules.ts";
import { type PackageJson, readPackageJson } from "./package-json.ts";
import { type TreeEntry, walkTree } from "./walk-tree.ts";

/** Files of package managers and other tools in `node_modules`, which no running program needs. */
const TOOLS_OWN =
  /^\.(?:bin|cache|vite|vite-temp|vitest|package-lock\.json|modules\.yaml|yarn-integrity|yarn-state\.yml|pnpm-workspace-state.*)$/;
/** Code that a package generates beside itself. */
const GENERATED_BESIDE: ReadonlyMap<string, string> = new Map([["@prisma/client", ".prisma"]]);
const ALWAYS_PACKED = "lever.json";

export interface CollectOptions {
  readonly layout: ArchiveLayout;
  readonly rules: { readonly own: IgnoreRules; readonly git: IgnoreRules };
  /** Absolute paths that are packed although git ignores them. */
  readonly kept: ReadonlySet<string>;
  /** Installed packages are not packed but linked to, by absolute links. */
  readonly linksPackages: boolean;
}

/**
 * Collects the entries of a service's archive: the files of its folder, and the packages that it needs, wherever Node finds
 * them in the workspace.
 */
export async function collectContents(options: CollectOptions): Promise<Collected> {
  const collector = new Collector(options);
  return await collector.collect();
}

class Collector {
  readonly #layout: ArchiveLayout;
  readonly #rules: CollectOptions["rules"];
  readonly #kept: Set<string>;
  readonly #linksPackages: boolean;
  readonly #finder: PackageFinder;
  readonly #entries = new Map<string, CodeEntry>();
  readonly #walked = new Set<string>();
  readonly #packages = new Set<string>();
  readonly #openPackages: string[] = [];
  /** Packages that others need. */
  readonly #connected = new Set<string>();
  readonly #openLinks: FolderLink[] = [];
  readonly #links: FolderLink[] = [];
  readonly #optionalPeers: { readonly name: string; readonly from: string }[] = [];
  readonly #lost: LostPackage[] = [];
  readonly #special: TreeEntry[] = [];

  constructor({ layout, rules, kept, linksPackages }: CollectOptions) {
    this.#layout = layout;
    this.#rules = rules;
    this.#kept = new Set(kept);
    this.#linksPackages = linksPackages;
    this.#finder = new PackageFinder(layout);
  }

  async collect(): Promise<Collected> {
    const { folder } = this.#layout;
    await this.#addTree(folder, "sources");
    while (this.#openPackages.length > 0 || this.#openLinks.length > 0) {
      const packageFolder = this.#openPackages.pop();
      if (packageFolder !== undefined) await this.#addPackage(packageFolder);
      else await this.#follow(this.#openLinks.pop());
    }
    for (const { name, from } of this.#optionalPeers) {
      const found = await this.#finder.find(name, from);
      if (found !== undefined && this.#packages.has(found.real))
        await this.#connect(found, name, from);
    }
    return {
      entries: this.#entries,
      links: this.#links,
      // Other folders within the sources may be examples that are not installed.
      lost: this.#lost.filter(({ from }) => from === folder || this.#connected.has(from)),
      special: this.#special,
      packageJson: await readPackageJson(folder),
    };
  }

  async #addTree(top: string, kind: TreeKind): Promise<void> {
    this.#walked.add(top);
    const options = {
      ignoresIn: (folder: string) => this.#ignoresIn(folder, kind),
      skips: (folder: string, name: string) => this.#skips(folder, name, { top, kind }),
    };
    for await (const entry of walkTree(top, options)) await this.#addEntry(entry, kind);
  }

  async #addEntry(entry: TreeEntry, kind: TreeKind): Promise<void> {
    const { file, stats } = entry;
    const path = this.#layout.pathOf(file);
    if (path === undefined || path === "") return;
    if (stats.isDirectory()) this.#entries.set(path, { kind: "folder", path });
    else if (stats.isFile()) {
      const isExecutable = (stats.mode & 0o100) !== 0;
      this.#entries.set(path, {
        kind: "file",
        path,
        source: file,
        bytes: stats.size,
        isExecutable,
      });
      // Folders of their own within the sources may have packages of their own.
      if (kind === "sources" && basename(file) === "package.json") this.#enqueue(dirname(file));
    } else if (stats.isSymbolicLink()) {
      const real = await realpath(file).catch(() => undefined);
      this.#openLinks.push({ path, file, real, owner: kind });
    } else this.#special.push(entry);
  }

  async #ignoresIn(folder: string, kind: TreeKind): Promise<IgnoreEntry> {
    const { own, git } = this.#rules;
    const byLever = own.file === ".leverignore" ? await own.in(folder) : undefined;
    const isLevers = byLever !== undefined && this.#layout.isInFolder(folder);
    const byGit = kind !== "sources" || isLevers ? undefined : await git.in(folder);
    return (name, isFolder) => {
      if (name === ALWAYS_PACKED && folder === this.#layout.folder) return false;
      if (byLever?.(name, isFolder) === true) return true;
      return byGit?.(name, isFolder) === true && !this.#kept.has(join(folder, name));
    };
  }

  #skips(
    folder: string,
    name: string,
    { top, kind }: { top: string; kind: TreeKind },
  ): boolean | Promise<boolean> {
    if (basename(folder) === "node_modules" && TOOLS_OWN.test(name)) return true;
    if (kind === "installed") return name === "node_modules" && folder === top;
    if (kind === "vendored") return false;
    // The service's own folder is packed by itself.
    if (top !== this.#layout.folder && join(folder, name) === this.#layout.folder) return true;
    if (name !== "node_modules") return false;
    return this.#skipsPackages(folder, name);
  }

  async #skipsPackages(folder: string, name: string): Promise<true> {
    if ((await readPackageJson(folder))?.listsPackages !== true) {
      await this.#addVendored(join(folder, name));
    }
    return true;
  }

  async #addVendored(folder: string): Promise<void> {
    const isFolder = await stat(folder).then(
      (stats) => stats.isDirectory(),
      () => false,
    );
    if (!isFolder || (await this.#isExcluded(folder))) return;
    if (this.#linksPackages) this.#addAbsoluteLink(this.#layout.pathOf(folder), folder);
    else await this.#addTree(folder, "vendored");
  }

  #enqueue(folder: string): void {
    if (this.#packages.has(folder)) return;
    this.#packages.add(folder);
    this.#openPackages.push(folder);
  }

  #isOwnSource(folder: string): boolean {
    return this.#layout.isInFolder(folder) && !this.#layout.isInstalled(folder);
  }

  async #addPackage(folder: string): Promise<void> {
    const packageJson = await readPackageJson(folder);
    if (!this.#isOwnSource(folder) && !this.#walked.has(folder)) {
      if (this.#layout.isInstalled(folder)) await this.#addTree(folder, "installed");
      else {
        await this.#keepOffers(folder, packageJson);
        await this.#addTree(folder, "sources");
      }
    }
    await this.#addGenerated(folder);
    if (packageJson === undefined) return;
    for (const name of packageJson.dependencies) {
      const found = await this.#finder.find(name, folder);
      const isOptional = packageJson.mayBeMissing.has(name);
      if (found !== undefined && this.#layout.pathOf(found.real) !== undefined) {
        await this.#connect(found, name, folder);
      } else if (!isOptional) this.#lost.push({ name, from: folder, found });
    }
    for (const name of packageJson.optionalPeers) this.#optionalPeers.push({ name, from: folder });
  }

  /** Takes a package along, and makes it the one that Node finds in the archive. */
  async #connect({ at, real }: FoundPackage, name: string, from: string): Promise<void> {
    if ((await this.#isExcluded(at)) || (await this.#isExcluded(real))) return;
    if (this.#linksPackages && this.#layout.isInstalled(real)) {
      const path = posix.join(this.#layout.pathOf(from) ?? "", "node_modules", name);
      this.#addAbsoluteLink(path, real);
      return;
    }
    if (at !== real) this.#addLink(this.#layout.pathOf(at), real);
    if (this.#layout.isInFolder(from) && !this.#layout.isInFolder(at)) {
      this.#addLink(`node_modules/${name}`, real);
    }
    if (this.#isOwnSource(real) && real !== this.#layout.folder) await this.#addOffers(real);
    this.#connected.add(real);
    this.#enqueue(real);
  }

  #addLink(path: string | undefined, real: string): void {
    const to = this.#layout.pathOf(real);
    if (path === undefined || to === undefined || path === to) return;
    this.#entries.set(path, { kind: "link", path, target: linkTarget(path, to) });
  }

  #addAbsoluteLink(path: string | undefined, target: string): void {
    if (path !== undefined) this.#entries.set(path, { kind: "link", path, target });
  }

  async #follow(link: FolderLink | undefined): Promise<void> {
    if (link === undefined) return;
    const { path, real } = link;
    if (this.#linksPackages && real !== undefined && this.#layout.isInstalled(real)) {
      this.#addAbsoluteLink(path, real);
      return;
    }
    this.#links.push(link);
    if (real === undefined || this.#layout.pathOf(real) === undefined) return;
    if (this.#layout.isInstalled(real)) this.#enqueue(packageFolderOf(real));
    else if (!this.#layout.isInFolder(real) && !this.#walked.has(real)) {
      if (await this.#isIgnored(real)) return;
      await this.#addTree(real, "sources");
      await this.#addScope(real);
    }
  }

  /** The package.json above a file says whether it is an ES module. */
  async #addScope(file: string): Promise<void> {
    for (const folder of this.#layout.foldersAbove(file)) {
      const source = join(folder, "package.json");
      const stats = await stat(source).catch(() => undefined);
      if (stats === undefined) continue;
      await this.#addEntry({ file: source, stats }, "installed");
      return;
    }
  }

  /** Whether `.leverignore` excludes a path of the archive. */
  async #isExcluded(file: string): Promise<boolean> {
    const { own } = this.#rules;
    if (own.file !== ".leverignore") return false;
    const path = this.#layout.pathOf(file) ?? "";
    return path !== "" && (await own.ignoredPart(this.#layout.folder, path)) !== undefined;
  }

  async #isIgnored(file: string): Promise<boolean> {
    if (await this.#isExcluded(file)) return true;
    const ignores = await this.#rules.git.in(dirname(file));
    return ignores(basename(file), (await stat(file)).isDirectory());
  }

  /** Adds what a package in the folder itself offers although git ignores it. */
  async #addOffers(folder: string): Promise<void> {
    if (this.#rules.own.file === ".leverignore") return;
    const before = new Set(this.#kept);
    await this.#keepOffers(folder, await readPackageJson(folder));
    for (const file of this.#kept) {
      if (before.has(file) || (await stat(file).catch(() => undefined)) === undefined) continue;
      await this.#addTree(file, "sources");
    }
  }

  /** Files that a package of the workspace offers are often built, and ignored by git. */
  async #keepOffers(folder: string, packageJson: PackageJson | undefined): Promise<void> {
    for (const path of packageJson?.offers ?? []) {
      const part = await this.#rules.git.ignoredPart(folder, path);
      if (part !== undefined) this.#kept.add(join(folder, part));
    }
  }

  async #addGenerated(folder: string): Promise<void> {
    for (const [name, generated] of GENERATED_BESIDE) {
      if (!folder.endsWith(`/node_modules/${name}`)) continue;
      await this.#addVendored(join(folder.slice(0, -name.length), generated));
    }
  }
}

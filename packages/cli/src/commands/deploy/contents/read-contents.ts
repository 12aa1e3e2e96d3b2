import { readFile, readlink } from "node:fs/promises";
import { basename, join } from "node:path";
import { ArchiveLayout, linkTarget } from "./archive-layout.ts";
import { collectContents } from "./collect-contents.ts";
import type { Collected, FolderLink } from "./collected.ts";
import {
  bytesOf,
  type CodeEntry,
  type Contents,
  type ContentsOptions,
  type NeededPaths,
} from "./contents.ts";
import { flattenTsconfigs } from "./flat-tsconfig.ts";
import { type IgnoreRules, readIgnoreRules } from "./ignore-rules.ts";
import { describeLostPackages } from "./lost-packages.ts";
import { findMentioned } from "./mentions.ts";
import { isNamedFile, namedPaths, whyNeeded } from "./named-paths.ts";
import { containsToken, judgeSecret } from "./secret-files.ts";
import { findRepository, findWorkspaceRoot } from "./workspace-root.ts";

const NAMES_SHOWN = 8;

/**
 * Finds out what is deployed with a service folder.
 * @param folder an absolute path without links.
 */
export async function readContents(
  folder: string,
  needed: NeededPaths,
  { linksPackages = false }: ContentsOptions = {},
): Promise<Contents> {
  const { jsEntry } = needed;
  const root = await findWorkspaceRoot(folder);
  const layout = new ArchiveLayout(folder, root ?? folder);
  const top = (await findRepository(folder)) ?? layout.root;
  const rules = await readIgnoreRules(layout, top);
  const problems: string[] = [];
  const notes: string[] = [];
  const kept = new Set<string>();
  for (const named of rules.own.file === ".gitignore" ? await namedPaths(folder, needed) : []) {
    const ignored = await rules.own.ignoredPart(folder, named.file);
    if (ignored === undefined || kept.has(join(folder, ignored))) continue;
    // A rule that ignores this file alone may ignore others that it needs.
    if (ignored === named.file && !isNamedFile(named)) continue;
    kept.add(join(folder, ignored));
    notes.push(`${ignored} is packed although git ignores it: ${whyNeeded(ignored, named)}.`);
  }
  const collected = await collectContents({ layout, rules, kept, linksPackages });
  for (const { file, stats } of collected.special) {
    const kind = stats.isSocket() ? "socket" : stats.isFIFO() ? "named pipe" : "device";
    problems.push(
      `${layout.pathOf(file)}: it is a ${kind}; allowed are files, folders, and links that stay inside the folder.`,
    );
  }
  const links = await settleLinks(collected, {
    layout,
    rules: rules.own,
    isProgram: jsEntry === undefined,
  });
  problems.push(...links.problems);
  if (links.leftOut.length > 0) notes.push(`Left out: ${listed(links.leftOut)}.`);
  const lost = await describeLostPackages(collected, layout);
  problems.push(...lost.problems);
  notes.push(...lost.notes);
  const secrets = await findSecrets(collected.entries.values(), layout);
  if (secrets.length > 0) {
    notes.push(
      `Packed files look like secrets: ${listed(secrets)}. Exclude them in ${rules.own.file}, and set secrets with: lever secret set`,
    );
  }
  const isTypeScript = jsEntry !== undefined && /\.[cm]?tsx?$/.test(jsEntry);
  notes.push(...(await flattenTsconfigs(collected.entries, { layout, top, isTypeScript })));
  const entries = [...collected.entries.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  const bytes = entries.reduce((sum, entry) => sum + bytesOf(entry), 0);
  return { root: layout.root, entries, bytes, problems, notes };
}

interface SettledLinks {
  readonly problems: readonly string[];
  readonly leftOut: readonly string[];
}

/** Packs the links whose targets are packed. One that leads to nothing in the archive is a problem if a source names it. */
async function settleLinks(
  { entries, links }: Collected,
  { layout, rules, isProgram }: { layout: ArchiveLayout; rules: IgnoreRules; isProgram: boolean },
): Promise<SettledLinks> {
  const broken: FolderLink[] = [];
  // A link to a link is packed after that one.
  for (const link of links) {
    const to = link.real === undefined ? undefined : layout.pathOf(link.real);
    if (to === undefined || (to !== "" && !entries.has(to))) broken.push(link);
    else
      entries.set(link.path, { kind: "link", path: link.path, target: linkTarget(link.path, to) });
  }
  if (broken.length === 0) return { problems: [], leftOut: [] };
  const names = broken.map(({ path }) => basename(path));
  const mentioned = await findMentioned(names, [...entries.values()]);
  const problems: string[] = [];
  const leftOut: string[] = [];
  for (const link of broken) {
    const { path, file, real, owner } = link;
    // The sources of a program are unknown.
    const mayBeNeeded = mentioned.has(basename(path)) || (isProgram && real !== undefined);
    const isNeeded = owner === "vendored" || (owner === "sources" && mayBeNeeded);
    const why =
      real === undefined
        ? "which does not exist"
        : layout.pathOf(real) === undefined
          ? `which is outside the ${layout.root === layout.folder ? "folder" : "workspace"}`
          : `which is excluded by ${rules.file}`;
    if (!isNeeded) leftOut.push(`${path} (a link to ${await readlink(file)}, ${why})`);
    else {
      problems.push(
        `${path}: it is a link to ${await readlink(file)}, ${why}. ${remedyOf(link, layout)}`,
      );
    }
  }
  return { problems, leftOut };
}

function remedyOf({ owner, real }: FolderLink, layout: ArchiveLayout): string {
  if (owner === "vendored")
    return "To copy linked packages into this folder: npm install --install-links";
  const isOutside = real !== undefined && layout.pathOf(real) === undefined;
  return `${isOutside ? "Replace it by a copy" : "Correct it"}, or, if the service does not need it, list it in .leverignore.`;
}

/** Paths of packed files that usually contain secrets. Those of installed packages are public. */
async function findSecrets(entries: Iterable<CodeEntry>, layout: ArchiveLayout): Promise<string[]> {
  const found: string[] = [];
  for (const entry of entries) {
    if (entry.kind !== "file" || layout.isInstalled(entry.source)) continue;
    const doubt = judgeSecret(entry.path);
    if (doubt === "no secret") continue;
    if (doubt === "secret" || containsToken(await readFile(entry.source, "utf8"))) {
      found.push(entry.path);
    }
  }
  return found.sort();
}

function listed(names: readonly string[]): string {
  const more = names.length - NAMES_SHOWN;
  return names.slice(0, NAMES_SHOWN).join(", ") + (more > 0 ? `, and ${more} more` : "");
}

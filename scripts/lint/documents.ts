/** Documents: no conflict of a merge is left; relative links lead to files and headings that exist; sentences of the README and the guide are short. */
import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { type Fault, lineAt, type Repository, type TextFile } from "./repository.ts";

const SENTENCE_WORDS_MAX = 30;

export function documentFaults({
  root,
  documents,
}: Pick<Repository, "root" | "documents">): readonly Fault[] {
  const anchors = new Map(documents.map(({ path, text }) => [path, anchorsOf(text)]));
  const isPath = (path: string): boolean => existsSync(join(root, path));
  return documents.flatMap((document) => [
    ...conflictFaults(document),
    ...linkFaults(document, { anchors, isPath }),
    ...(document.path === "README.md" || document.path.startsWith("docs/guide/")
      ? sentenceFaults(document)
      : []),
  ]);
}

export function conflictFaults({ path, text }: TextFile): Fault[] {
  return [...text.matchAll(/^(?:<{7}|>{7}) /gm)].map(({ index }) => ({
    path,
    line: lineAt(text, index),
    reason: "a conflict of a merge is left",
  }));
}

export interface Targets {
  /** Of each document, by its path. */
  readonly anchors: ReadonlyMap<string, ReadonlySet<string>>;
  readonly isPath: (path: string) => boolean;
}

/** Links: `[text](target)`, `[name]: target`, and ``[`name`]``, which needs such a definition. */
export function linkFaults({ path, text }: TextFile, { anchors, isPath }: Targets): Fault[] {
  const prose = withoutCode(text);
  const targets = [...prose.matchAll(/(?:\]\(|^\[[^\]]+\]: )(?![a-z]+:)([^)\s]+)/gm)];
  const defined = new Set([...prose.matchAll(/^(\[[^\]]+\]): /gm)].map(([, name]) => name));
  const references = [...prose.matchAll(/\[`[^`\]]+`\](?![:([])/g)];
  const fault = (index: number, reason: string): Fault => ({
    path,
    line: lineAt(text, index),
    reason,
  });
  return [
    ...targets.flatMap(({ 1: link = "", index }) => {
      const [file = "", anchor] = link.split("#");
      const target = file === "" ? path : normalize(join(dirname(path), file));
      const isThere =
        isPath(target) && (anchor === undefined || anchors.get(target)?.has(anchor) !== false);
      return isThere ? [] : [fault(index, `${link} leads nowhere`)];
    }),
    ...references.flatMap(({ 0: name, index }) =>
      defined.has(name) ? [] : [fault(index, `${name} has no definition "${name}: <path>"`)],
    ),
  ];
}

export function sentenceFaults({ path, text }: TextFile): Fault[] {
  const ends = /(?<=[.!?][*_)]*)\s+(?=[A-Z`*[])|\n\s*\n|\n(?=\s*[-*#|] ?)| \| |:\n/g;
  let index = 0;
  const faults: Fault[] = [];
  const prose = withoutCode(text);
  const check = (sentence: string, at: number): void => {
    const words = sentence.replace(/\]\([^)]*\)/g, "]").match(/[\p{L}\p{N}`][^\s]*/gu) ?? [];
    if (words.length <= SENTENCE_WORDS_MAX) return;
    const line = lineAt(text, at + sentence.search(/\S/));
    faults.push({
      path,
      line,
      reason: `this sentence has ${words.length} words, allowed are ${SENTENCE_WORDS_MAX}`,
    });
  };
  for (const end of prose.matchAll(ends)) {
    check(prose.slice(index, end.index), index);
    index = end.index + end[0].length;
  }
  check(prose.slice(index), index);
  return faults;
}

/** The names by which links reach the headings of a document. */
export function anchorsOf(text: string): ReadonlySet<string> {
  const headings = withoutCode(text).matchAll(/^#+ (.+)$/gm);
  return new Set([...headings].map(([, heading = ""]) => anchorOf(heading)));
}

/** The name by which links reach a heading, as GitHub makes it. `heading`: as Markdown. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/[^\p{L}\p{N}\- _]/gu, "")
    .trim()
    .replaceAll(" ", "-");
}

/** The text with its code blocks and comments blanked, so that positions stay. */
function withoutCode(text: string): string {
  return text.replace(/^```[\s\S]*?^```$|<!--[\s\S]*?-->|(?:^ {4}.*\n)+/gm, (block) =>
    block.replace(/[^\n]/g, " "),
  );
}

/** The subject of each commit since this check exists is one fact of at most 72 characters (CONTRIBUTING.md). */
import { spawnSync } from "node:child_process";
import type { Fault, Repository } from "./repository.ts";

const LENGTH_MAX = 72;
const THIS_FILE = "scripts/lint/commit-subjects.ts";

export function commitFaults({ root }: Pick<Repository, "root">): readonly Fault[] {
  const git = (...args: readonly string[]): string | undefined => {
    const { status, stdout } = spawnSync("git", args, { cwd: root, encoding: "utf8" });
    return status === 0 ? stdout.trim() : undefined;
  };
  const isShallow = git("rev-parse", "--is-shallow-repository");
  if (isShallow !== "false") {
    console.log(
      `Commit subjects are not checked: this is ${isShallow === "true" ? "a shallow clone" : "no clone"}.`,
    );
    return [];
  }
  const added = git("log", "--diff-filter=A", "--format=%H", "--", THIS_FILE)?.split("\n").at(-1);
  if (added === undefined || added === "") return [];
  const subjects = git("log", "--no-merges", "--format=%h %s", `${added}..HEAD`) ?? "";
  return subjects.split("\n").flatMap((line) => subjectFaults(line));
}

/** Checks one commit: its short hash, a space, and its subject. */
export function subjectFaults(commit: string): readonly Fault[] {
  const [hash = ""] = commit.split(" ", 1);
  const subject = commit.slice(hash.length + 1);
  if (subject.length <= LENGTH_MAX) return [];
  const reason = `the subject has ${subject.length} characters; allowed are ${LENGTH_MAX}: ${subject}`;
  return [{ path: `commit ${hash}`, line: 1, reason }];
}

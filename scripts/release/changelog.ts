const UNRELEASED = "## Unreleased\n";

/**
 * The changelog with the entries of "Unreleased" under a version and a date, and an empty "Unreleased" above them.
 * @throws Error when there is nothing to release, or when the version has a section already.
 */
export function dateChangelog(
  text: string,
  { version, date }: { version: string; date: string },
): string {
  const [before = "", after] = text.split(UNRELEASED);
  if (after === undefined) {
    throw new Error('Cannot date the changelog: it has no section "Unreleased".');
  }
  if (text.includes(`\n## ${version} `)) {
    throw new Error(`Cannot date the changelog: it has a section for ${version} already.`);
  }
  const [entries = ""] = after.split(/^## /m);
  if (entries.trim() === "") {
    throw new Error('Cannot date the changelog: its section "Unreleased" is empty.');
  }
  return `${before}${UNRELEASED}\n## ${version} - ${date}\n${after}`;
}

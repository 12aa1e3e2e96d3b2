const VERSION = /^(\d+)\.(\d+)\.(\d+)$/;

/** The numbers of a version. @throws Error for another form. */
function numbersOf(version: string): readonly number[] {
  const [, ...numbers] = VERSION.exec(version) ?? [];
  if (numbers.length === 3) return numbers.map(Number);
  throw new Error(`Cannot release ${JSON.stringify(version)}: a version is like 1.2.3.`);
}

/** @throws Error for a version that is no version, lower than the current one, or released already. */
export function checkVersion(
  version: string,
  { current, tags }: { current: string; tags: readonly string[] },
): void {
  const [wanted, present] = [numbersOf(version), numbersOf(current)];
  const differing = wanted.findIndex((number, index) => number !== present[index]);
  const isLower = differing !== -1 && (wanted[differing] ?? 0) < (present[differing] ?? 0);
  if (isLower) throw new Error(`Cannot release ${version}: the packages have ${current} already.`);
  if (tags.includes(`v${version}`)) {
    throw new Error(`Cannot release ${version}: there is a tag v${version} already.`);
  }
}

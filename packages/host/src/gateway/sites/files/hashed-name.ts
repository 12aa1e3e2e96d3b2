/** Webpack and others: a hash in hexadecimal, as a part of its own between dots or after a dash. */
const HEX_HASH = /(?:^|-)(?=[0-9a-f]*\d)(?=\d*[a-f])[0-9a-f]{8,64}$/;
/** Vite, Rollup and esbuild: eight characters after a dash. */
const SHORT_HASH = /-[A-Za-z0-9_-]{8}$/;
const SHORT_HASH_LENGTH = 8;

/**
 * True for a name with a hash of the file's content, as bundlers write them: `main.3f2a9c1b.js`, `index-BfK3x9aL.js`. Such a file
 * never changes. A name counts as none when it may be one of words and dates.
 */
export function isHashedName(name: string): boolean {
  const parts = name.slice(name.lastIndexOf("/") + 1).split(".");
  const extension = parts.pop();
  if (extension === "html" || parts.length === 0) return false;
  return parts.some((part, index) => (index > 0 || part.includes("-")) && endsInHash(part));
}

function endsInHash(part: string): boolean {
  if (HEX_HASH.test(part)) return true;
  if (!SHORT_HASH.test(part)) return false;
  const end = part.slice(-SHORT_HASH_LENGTH);
  const capitals = end.match(/[A-Z]/g)?.length ?? 0;
  return /\d[A-Za-z]/.test(end) || (capitals >= 3 && /[a-z]/.test(end));
}

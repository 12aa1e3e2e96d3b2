/** As long as the paths in an archive can be, with each byte escaped. */
const PATH_LENGTH_MAX = 3 * 1_024;
/** Characters that separate folders on some system, or end a path. */
const SEPARATOR = /[/\\\0]/;

/**
 * The file that the path of a URL names, relative to a folder: `""` is the folder itself, and a name that ends in `/` is a folder
 * in it. undefined = it can name none: it is malformed, leads out of the folder, or is the name of a hidden file.
 */
export function filePath(path: string): string | undefined {
  if (!path.startsWith("/") || path.length > PATH_LENGTH_MAX) return undefined;
  const segments = path.slice(1).split("/");
  const last = segments.length - 1;
  for (const [index, encoded] of segments.entries()) {
    const name = decoded(encoded);
    if (name === undefined || SEPARATOR.test(name) || name.startsWith(".")) return undefined;
    if (name === "" && index < last) return undefined;
    segments[index] = name;
  }
  return segments.join("/");
}

/** True for a path without names of hidden files, or of the folder above. */
export function isVisible(name: string): boolean {
  return !name.split("/").some((segment) => segment.startsWith("."));
}

function decoded(text: string): string | undefined {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

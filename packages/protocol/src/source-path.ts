/**
 * The folder of an archive that repeats the layout of the workspace around the service, below `node_modules`. What is in
 * it is the user's own code, except in a `node_modules` of its own.
 */
export const WORKSPACE_FOLDER = ".workspace";

const DECLARATION = /\.d\.(?:[^./]+\.)?[cm]?ts$/;

/** True for the path of a file that the transform at the deploy makes JavaScript of. Declarations contain no code. */
export function isSourcePath(path: string): boolean {
  return /\.(?:[cm]?ts|tsx|jsx)$/.test(path) && !DECLARATION.test(path);
}

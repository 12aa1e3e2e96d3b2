/** Where `lever deploy` puts packages of a workspace: they are the user's own code. */
const INSTALLED = /(?:^|\/)node_modules\/(?!\.workspace\/)/;
const DECLARATION = /\.d\.(?:[^./]+\.)?[cm]?ts$/;

/** Whether a path in a service's folder is TypeScript of the service itself, and contains code. */
export function isTypeScript(path: string): boolean {
  return /\.(?:[cm]?ts|tsx)$/.test(path) && !DECLARATION.test(path) && !INSTALLED.test(path);
}

/** Whether Node can load a module only after the transform. */
export function needsTransform(path: string): boolean {
  return /\.(?:[cm]?ts|tsx|jsx)$/.test(path);
}

import { sep } from "node:path";

/**
 * How to get a newer version, by the folder that this one is installed in: an archive with Node inside, a checkout, the
 * cache of npx, a project, or the global packages of npm.
 */
export function upgradeAdvice(folder: string): string {
  const at = folder.split(sep).join("/");
  if (/\/lib\/node_modules\/@leveros\/cli$/.test(at) && isArchive(at)) {
    const archive = at.slice(0, at.indexOf("/lib/node_modules/"));
    return `unpack the archive of a newer version, and replace ${archive} by it`;
  }
  if (!at.includes("/node_modules/")) return "git pull && npm install";
  if (at.includes("/_npx/")) return "npx --yes @leveros/cli@latest <command>";
  if (at.includes("/lib/node_modules/")) return "npm install --global @leveros/cli@latest";
  const project = at.slice(0, at.indexOf("/node_modules/"));
  return `npm install --prefix ${project} @leveros/cli@latest`;
}

/** The archive's folder is named after the version and the system. */
function isArchive(at: string): boolean {
  return /\/lever-\d+\.\d+\.\d+[^/]*-(linux|darwin)-[^/]+\/lib\//.test(at);
}

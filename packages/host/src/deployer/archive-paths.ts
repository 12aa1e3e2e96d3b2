import { dirname } from "node:path";
import { isSourcePath, WORKSPACE_FOLDER } from "@leveros/protocol";
import { invalid, shown, tooManyEntries } from "./archive-error.ts";

export type PathKind = "file" | "folder" | "link";

const INSTALLED = new RegExp(`(?:^|/)node_modules/(?!\\${WORKSPACE_FOLDER}/)`);

/** The kind of each path of an archive: of its entries, and of the folders above them. */
export class ArchivePaths {
  #hasTypeScript = false;
  readonly #pathsMax: number;
  readonly #kinds = new Map<string, PathKind>();

  constructor(pathsMax: number) {
    this.#pathsMax = pathsMax;
  }

  /**
   * Takes the path of one entry. A later file or link replaces an earlier one. Replacing a folder, or by one, is refused:
   * what is below it would depend on the order.
   * @throws LeverError `invalid_archive`
   */
  claim(path: string, kind: PathKind): void {
    const known = this.#kinds.get(path);
    if (known !== undefined && known !== kind && (known === "folder" || kind === "folder")) {
      throw conflicting(path, known === "folder" ? kind : known);
    }
    this.#set(path, kind);
    if (kind === "file" && isTypeScript(path)) this.#hasTypeScript = true;
    for (let above = dirname(path); above !== "."; above = dirname(above)) {
      const kindAbove = this.#kinds.get(above);
      if (kindAbove === "folder") return;
      if (kindAbove !== undefined) throw conflicting(above, kindAbove);
      this.#set(above, "folder");
    }
  }

  /** There is TypeScript other than declarations, outside of installed packages. */
  get hasTypeScript(): boolean {
    return this.#hasTypeScript;
  }

  #set(path: string, kind: PathKind): void {
    this.#kinds.set(path, kind);
    if (this.#kinds.size > this.#pathsMax) throw tooManyEntries(this.#pathsMax);
  }
}

/** TypeScript that is the user's own: not that of an installed package. */
export function isTypeScript(path: string): boolean {
  return isSourcePath(path) && !path.endsWith(".jsx") && !INSTALLED.test(path);
}

function conflicting(path: string, kind: PathKind): Error {
  return invalid(`its entry ${shown(path)} is a ${kind} and also a folder`);
}

import { randomBytes } from "node:crypto";

/** Names code that is deployed now. */
export function newCodeId(): string {
  return randomBytes(12).toString("hex");
}

/** The code of an archive, by the name of its file. */
export function codeIdOf(archive: string): string {
  return archive.replace(/\.tar\.(?:gz|zst)$/, "");
}

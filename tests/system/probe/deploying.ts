import { deployArchive } from "../../harness/http-call.ts";

/** Deploys each archive. Returns every different outcome once. */
export async function deploying(address: string, archives: readonly Buffer[]): Promise<string> {
  const fates = new Set<string>();
  for (const archive of archives) {
    const { status, text } = await deployArchive(address, archive);
    const isArchive = text.startsWith('"Cannot unpack the archive: ');
    const isDescription = text.startsWith('"lever.json: field ');
    if (status !== 500) fates.add(`${status}`);
    else fates.add(isArchive ? "not unpacked" : isDescription ? "not accepted" : text);
  }
  return [...fates].join(" ");
}

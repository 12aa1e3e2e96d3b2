import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import {
  type ArchiveTerms,
  KEPT_FILE_BYTES_MAX,
  type KeptFile,
  type KeptFiles,
} from "@leveros/protocol";
import { callAdmin } from "../../call-admin.ts";
import type { Settings } from "../../settings.ts";
import { bytesOf, type CodeEntry } from "./contents/contents.ts";

/** To send less takes less time than to compare files. */
const COMPARED_BYTES_MIN = 1_000_000;
/** More in one request would come near the limit of its bytes. */
const COMPARED_FILES_MAX = 10_000;

/** The names by which a command calls a host on its own machine: sending files there is faster than comparing them. */
const LOCAL_NAMES: ReadonlySet<string> = new Set(["127.0.0.1", "localhost", "[::1]"]);

type KeptSettings = Settings & { readonly adminEnvironment: string };

/** Finds the files that the live version of a service has, and that need not be sent again. undefined = none. */
export async function findKept(
  entries: readonly CodeEntry[],
  service: string,
  { terms: { deployed }, settings }: { terms: ArchiveTerms; settings: KeptSettings },
): Promise<KeptFiles | undefined> {
  const { hostUrl, environment } = settings;
  if (deployed === undefined || LOCAL_NAMES.has(hostUrl.hostname)) return undefined;
  const compared = entries.flatMap((entry) =>
    entry.kind === "file" && entry.bytes > 0 && entry.bytes <= KEPT_FILE_BYTES_MAX ? entry : [],
  );
  const bytes = compared.reduce((sum, entry) => sum + bytesOf(entry), 0);
  if (bytes < COMPARED_BYTES_MIN || compared.length > COMPARED_FILES_MAX) return undefined;
  const { version, salt } = deployed;
  try {
    const files = compared.map(({ path, source, isExecutable }): KeptFile => {
      const digest = createHmac("sha256", salt).update(readFileSync(source)).digest("base64url");
      return { path, isExecutable, digest };
    });
    const digests = files.map(({ digest }) => digest);
    const found = new Set(
      await callAdmin(settings, "findKeptFiles", environment, service, version, digests),
    );
    const kept = files.filter((_, index) => found.has(index));
    return kept.length === 0 ? undefined : { service, version, files: kept };
  } catch {
    // Everything is sent then, and a file that cannot be read is named when it is packed.
    return undefined;
  }
}

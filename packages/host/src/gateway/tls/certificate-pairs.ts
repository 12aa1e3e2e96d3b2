import { readdir } from "node:fs/promises";
import { join } from "node:path";

/** The files of a certificate, with its chain, and of its key; both PEM. */
export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** Where certificates are. Each is for the host names that it has. */
export interface CertificateSource {
  readonly pairs: readonly CertificateFiles[];
  /** A folder with certificates and keys; undefined = none. */
  readonly folder: string | undefined;
}

/** Further pairs in a folder are not read. */
const PAIRS_MAX = 1_000;

/**
 * The pairs in a folder: `name.crt` or `name.pem` beside `name.key`, and folders with `fullchain.pem` and `privkey.pem`, as certbot
 * makes them. A file without its other half is none.
 * @throws the error of the system
 */
export async function pairsIn(folder: string): Promise<readonly CertificateFiles[]> {
  const names = new Set(await readdir(folder));
  const pairs: CertificateFiles[] = [];
  for (const name of [...names].sort()) {
    if (pairs.length === PAIRS_MAX) break;
    const [, base] = /^(.+)\.(?:crt|pem)$/.exec(name) ?? [];
    if (base !== undefined && names.has(`${base}.key`)) {
      pairs.push({ certFile: join(folder, name), keyFile: join(folder, `${base}.key`) });
    } else if (await hasPair(join(folder, name))) {
      const inner = join(folder, name);
      pairs.push({ certFile: join(inner, "fullchain.pem"), keyFile: join(inner, "privkey.pem") });
    }
  }
  return pairs;
}

async function hasPair(folder: string): Promise<boolean> {
  const names = await readdir(folder).catch((): string[] => []);
  return names.includes("fullchain.pem") && names.includes("privkey.pem");
}

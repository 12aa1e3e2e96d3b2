import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import { LeverError } from "@leveros/protocol";
import type { Clock } from "../../clock.ts";
import type { Log } from "../../logs/log.ts";
import { type CertificateFiles, type CertificateSource, pairsIn } from "./certificate-pairs.ts";

export type { CertificateFiles } from "./certificate-pairs.ts";

/** The certificates of a port. The first one is for all host names that no other one has. */
export interface TlsFiles extends CertificateFiles {
  /** Default: none. */
  readonly further?: CertificateSource | undefined;
}

/** The content of the files. The key has been checked to be the certificate's. */
export interface Certificate extends TlsFiles {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** Certificates are replaced weeks before they expire, so a second is soon enough. A check reads two small files. */
export const CHECK_EVERY_MS: number = 1_000;

/**
 * Reads the certificates of a port, which all must be usable.
 * @throws LeverError `malformed_request` with the file that cannot be read, or the reason why a pair cannot be used
 */
export async function readCertificate(files: TlsFiles): Promise<Certificate> {
  const { further } = files;
  for (const pair of further?.pairs ?? []) await readPair(pair);
  return { ...(await readPair(files)), further };
}

/** @throws LeverError as `readCertificate` */
export async function readPair(files: CertificateFiles): Promise<Certificate> {
  const certificate = await readFiles(files);
  checkCertificate(certificate);
  return certificate;
}

/**
 * The first pair is for all host names that no other one has. In a folder, it is the first one by its name.
 * @throws LeverError `malformed_request`
 */
export async function tlsFiles(source: CertificateSource): Promise<TlsFiles> {
  const { pairs, folder } = source;
  const inFolder = folder === undefined ? [] : await readFolder(folder);
  const [first] = [...pairs, ...inFolder];
  if (first === undefined) {
    throw refusal(
      `Cannot serve over TLS: the folder ${folder} has no certificate with its key, as name.crt and name.key, or name/fullchain.pem and name/privkey.pem.`,
      undefined,
    );
  }
  const hasOthers = folder !== undefined || pairs.length > 1;
  return { ...first, further: hasOthers ? source : undefined };
}

async function readFolder(folder: string): Promise<readonly CertificateFiles[]> {
  try {
    return await pairsIn(folder);
  } catch (error) {
    throw refusal(`Cannot read the folder ${folder}: ${String(error)}.`, error);
  }
}

export function contextOf({ cert, key }: Certificate): SecureContextOptions {
  return { cert, key, minVersion: "TLSv1.2" };
}

/**
 * Watches a certificate's files, which are replaced one after the other, by renaming or through a symbolic link. A pair that
 * cannot be used is logged once, and the one in use stays. Returns a function that stops watching.
 */
export function watchCertificate(
  first: Certificate,
  options: {
    readonly clock: Clock;
    readonly log: Log;
    readonly onReplaced: (certificate: Certificate) => void;
  },
): () => void {
  const { clock, log, onReplaced } = options;
  let inUse = first;
  let seen = inUse;
  let lastProblem = "";
  let timer: unknown;
  let isOver = false;

  const check = async (): Promise<void> => {
    const found = await readFiles(first);
    if (isSame(found, seen)) return;
    seen = found;
    if (!isSame(found, inUse)) {
      checkCertificate(found);
      inUse = found;
      onReplaced(inUse);
      log("info", "gateway", "certificate replaced", { validTo: validTo(inUse) });
    }
    lastProblem = "";
  };
  const checkLater = (): void => {
    timer = clock.setTimeout(() => {
      void check()
        .catch((error: unknown) => {
          const reason = error instanceof Error ? error.message : String(error);
          if (reason === lastProblem || isOver) return;
          lastProblem = reason;
          log("warn", "gateway", "certificate not replaced", { reason, validTo: validTo(inUse) });
        })
        .finally(() => {
          if (!isOver) checkLater();
        });
    }, CHECK_EVERY_MS);
  };
  checkLater();
  return () => {
    isOver = true;
    clock.clearTimeout(timer);
  };
}

/** The host name for clients that verify the certificate: the address if it is valid for that, else a name of its own. */
export function nameFor(address: string, { cert }: Certificate): string {
  const parsed = new X509Certificate(cert);
  if (parsed.checkIP(address) !== undefined) return address;
  const [, name] = /(?:DNS|IP Address):([^,*\s]+)/.exec(parsed.subjectAltName ?? "") ?? [];
  return name ?? address;
}

function validTo({ cert }: Certificate): string {
  return new X509Certificate(cert).validToDate.toISOString();
}

function isSame(a: Certificate, b: Certificate): boolean {
  return a.cert.equals(b.cert) && a.key.equals(b.key);
}

async function readFiles({ certFile, keyFile }: CertificateFiles): Promise<Certificate> {
  const read = (what: string, file: string): Promise<Buffer> =>
    readFile(file).catch((error: NodeJS.ErrnoException) => {
      throw refusal(`Cannot read the ${what} ${file}: ${error.code ?? error.message}.`, error);
    });
  const [cert, key] = await Promise.all([read("certificate", certFile), read("key", keyFile)]);
  return { certFile, keyFile, cert, key };
}

function checkCertificate({ cert, key, certFile, keyFile }: Certificate): void {
  try {
    createSecureContext({ cert });
  } catch (error) {
    throw refusal(
      `Cannot use the certificate ${certFile}: it is not PEM (${reasonOf(error)}).`,
      error,
    );
  }
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    throw refusal(
      `Cannot use the key ${keyFile}: it is not the certificate's key, as PEM without a passphrase (${reasonOf(error)}).`,
      error,
    );
  }
}

function refusal(message: string, cause: unknown): LeverError {
  return new LeverError("malformed_request", message, { cause });
}

/** `error:0580…:x509 certificate routines::key values mismatch` → `key values mismatch`. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.slice(message.lastIndexOf(":") + 1);
}

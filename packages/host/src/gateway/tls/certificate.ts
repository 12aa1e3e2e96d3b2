import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import { LeverError } from "@leveros/protocol";
import type { Clock } from "../../clock.ts";
import type { Log } from "../../logs/log.ts";

/** Where a certificate is, with those that lead to its authority, and its key; both PEM. */
export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** What the files hold; it has been seen that they go together. */
export interface Certificate extends CertificateFiles {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** Who replaces certificates does so weeks before they expire: this is soon enough, and costs next to nothing. */
const LOOK_EVERY_MS = 1_000;

/** @throws LeverError `malformed_request` that says which file cannot be read, or why they do not go together. */
export async function readCertificate(files: CertificateFiles): Promise<Certificate> {
  const certificate = await readFiles(files);
  checkCertificate(certificate);
  return certificate;
}

/**
 * Looks after a certificate's files, which others replace one after the other, by renaming or through a link. A pair that
 * cannot be used is logged, once, and changes nothing. Returns what ends that.
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

  const look = async (): Promise<void> => {
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
  const lookAgain = (): void => {
    timer = clock.setTimeout(() => {
      void look()
        .catch((error: unknown) => {
          const reason = error instanceof Error ? error.message : String(error);
          if (reason === lastProblem || isOver) return;
          lastProblem = reason;
          log("warn", "gateway", "certificate not replaced", { reason, validTo: validTo(inUse) });
        })
        .finally(() => {
          if (!isOver) lookAgain();
        });
    }, LOOK_EVERY_MS);
  };
  lookAgain();
  return () => {
    isOver = true;
    clock.clearTimeout(timer);
  };
}

/** By what clients that trust its authority may call who has the certificate: by the address, or else by this name. */
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

/** `error:0580…:x509 certificate routines::key values mismatch` → what stands last. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.slice(message.lastIndexOf(":") + 1);
}

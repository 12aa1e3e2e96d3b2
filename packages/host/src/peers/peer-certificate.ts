import { X509Certificate } from "node:crypto";
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { LeverError } from "@leveros/protocol";
import { signKey } from "./self-signed.ts";

/** How this host shows other hosts who it is. */
export interface PeerCertificate {
  /** PEM, as are all. */
  readonly key: string;
  readonly cert: string;
  /** SHA-256 of the certificate, in hexadecimal digits. The hosts of a cluster know each other by it. */
  readonly fingerprint: string;
}

/** Reads the key and the certificate of this host from a file, which is made when it is missing. @throws LeverError */
export function openPeerCertificate(file: string): PeerCertificate {
  const text = readIfThere(file) ?? make(file);
  const [, key] = /(-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----\n)/.exec(text) ?? [];
  const [, cert] = /(-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n)/.exec(text) ?? [];
  if (key === undefined || cert === undefined) {
    throw new LeverError(
      "malformed_request",
      `Cannot use ${file}: it does not have a key and a certificate. Remove it, and this host makes new ones.`,
    );
  }
  return { key, cert, fingerprint: fingerprintOf(new X509Certificate(cert)) };
}

export function fingerprintOf({ fingerprint256 }: Pick<X509Certificate, "fingerprint256">): string {
  return fingerprint256.replaceAll(":", "").toLowerCase();
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** Key and certificate in one file: a crash leaves both or none. */
function make(file: string): string {
  const { key, cert } = signKey("lever host");
  const text = key + cert;
  const draft = `${file}.new`;
  const fd = openSync(draft, "w", 0o600);
  try {
    writeSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(draft, file);
  return text;
}

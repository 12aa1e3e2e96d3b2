import { LeverError } from "@leveros/protocol";

/** The code of a version is lost. */
export function missingArchive(): never {
  throw new Error(
    "its code and its archive are missing from the host's data folder. Deploy the service again",
  );
}

export function archiveTooLarge(archiveBytesMax: number): LeverError {
  return new LeverError(
    "too_large",
    `Cannot read the archive: it has more than ${archiveBytesMax} bytes.`,
  );
}

export function tooLarge(unpackedBytesMax: number): LeverError {
  return invalid(`unpacked it has more than ${unpackedBytesMax} bytes`);
}

export function tooManyEntries(archiveEntriesMax: number): LeverError {
  return invalid(`it has more than ${archiveEntriesMax} entries`);
}

/** The reason continues "Cannot unpack the archive: …". */
export function invalid(reason: string, cause?: unknown): LeverError {
  return new LeverError("invalid_archive", `Cannot unpack the archive: ${reason}.`, { cause });
}

/** Errors of the libraries about broken archives as `invalid_archive`. Other errors are the host's own, and returned. */
export function asArchiveError(error: unknown): unknown {
  if (error instanceof LeverError || !(error instanceof Error)) return error;
  const code = "code" in error ? String(error.code) : "";
  if (code === "Z_BUF_ERROR") return invalid("it is cut off in the middle", error);
  if (code.startsWith("Z_")) return invalid("it is not compressed with gzip or zstd", error);
  if (code.startsWith("ZSTD_")) return invalid("its compression with zstd is damaged", error);
  const tarCode = "tarCode" in error ? String(error.tarCode) : code;
  if (tarCode.startsWith("TAR_")) return invalid(`it is no tar archive (${error.message})`, error);
  if (["EEXIST", "ENOTDIR", "EISDIR"].includes(code)) {
    return invalid("two of its entries have conflicting paths", error);
  }
  return error;
}

/** A path in quotes, shortened. */
export function shown(path: string): string {
  const text = JSON.stringify(path);
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}

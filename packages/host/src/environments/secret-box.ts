import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { LeverError } from "@leveros/protocol";
import { systemReason } from "../logs/system-reason.ts";

/** AES-256-GCM (NIST SP 800-38D): a key of 32 bytes, a nonce of 12 that is never used twice, a tag of 16. */
const ALGORITHM = "aes-256-gcm";
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Seals secrets: the store and its copies contain no secret that can be read without the key, which has its own file. */
export class SecretBox {
  readonly #keyFile: string;

  constructor(keyFile: string) {
    this.#keyFile = keyFile;
  }

  /**
   * `place` names what the secret belongs to. Sealed for one place, it cannot be opened for another. `mayCreateKey`: no secret
   * is stored yet, so that a missing key is not a lost one.
   * @throws LeverError `unavailable` when the key is lost.
   */
  seal(secret: string, place: string, options: { mayCreateKey?: boolean } = {}): string {
    const nonce = randomBytes(NONCE_BYTES);
    const key = this.#keyFor(place, options.mayCreateKey ?? true);
    const cipher = createCipheriv(ALGORITHM, key, nonce);
    cipher.setAAD(Buffer.from(place));
    const sealed = Buffer.concat([cipher.update(secret, "utf8"), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString("base64");
  }

  /** @throws LeverError `unavailable` when the key is not the one that it was sealed with. */
  open(sealed: string, place: string): string {
    const bytes = Buffer.from(sealed, "base64");
    const tagEnd = NONCE_BYTES + TAG_BYTES;
    const key = readKey(this.#keyFile);
    if (typeof key === "string") throw unreadable(place, key);
    try {
      const nonce = bytes.subarray(0, NONCE_BYTES);
      const decipher = createDecipheriv(ALGORITHM, key, nonce, {
        authTagLength: TAG_BYTES, // Without it Node accepts a tag of 4 bytes, which can be guessed.
      });
      decipher.setAAD(Buffer.from(place));
      decipher.setAuthTag(bytes.subarray(NONCE_BYTES, tagEnd));
      return decipher.update(bytes.subarray(tagEnd), undefined, "utf8") + decipher.final("utf8");
    } catch (error) {
      const reason = "the key in the host's secret.key is not the one that it was sealed with";
      throw unreadable(place, reason, error);
    }
  }

  /** Bytes of the secret that was sealed. */
  static bytesOf(sealed: string): number {
    // The key of a cluster is named before a dot.
    const text = sealed.slice(sealed.indexOf(".") + 1);
    return Buffer.byteLength(text, "base64") - NONCE_BYTES - TAG_BYTES;
  }

  /** Read each time: a key that only this process still has would be lost with it. */
  #keyFor(place: string, mayCreate: boolean): Buffer {
    const key = readKey(this.#keyFile);
    if (typeof key !== "string") return key;
    if (mayCreate && !existsSync(this.#keyFile)) return createKey(this.#keyFile);
    throw new LeverError(
      "unavailable",
      `Cannot seal the secret ${place}: ${key}, and stored secrets need it. Restore the file from a backup. If it is lost for good, unset all secrets, and set them again.`,
    );
  }
}

function unreadable(place: string, reason: string, cause?: unknown): LeverError {
  return new LeverError(
    "unavailable",
    `Cannot read the secret ${place}: ${reason}. Restore the key, or set the secret again.`,
    { cause },
  );
}

/** The key, or why there is none. The reason has no path: callers may see it. */
function readKey(file: string): Buffer | string {
  try {
    const key = readFileSync(file);
    if (key.length === KEY_BYTES) return key;
    return `the key in the host's secret.key has ${key.length} bytes, not ${KEY_BYTES}`;
  } catch (error) {
    const reason = systemReason(error);
    if (reason === undefined) throw error;
    return `the key in the host's secret.key cannot be read, because ${reason}`;
  }
}

/** Creates the key file: complete, and synced to the disk before anything is sealed with it. */
function createKey(file: string): Buffer {
  const draft = `${file}.${process.pid}`;
  rmSync(draft, { force: true }); // Left by a crash of a host in a container, where each host may have the same pid.
  const key = randomBytes(KEY_BYTES);
  writeFileSync(draft, key, { flag: "wx", mode: 0o600, flush: true });
  linkSync(draft, file);
  unlinkSync(draft);
  syncFolder(dirname(file));
  return key;
}

function syncFolder(path: string): void {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

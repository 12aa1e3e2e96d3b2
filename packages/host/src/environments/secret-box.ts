import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import {
  closeSync,
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

/** AES-256-GCM (NIST SP 800-38D): a key of 32 bytes, a nonce of 12 that is never used twice, a tag of 16. */
const ALGORITHM = "aes-256-gcm";
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Seals secrets: the store and its copies contain no secret that can be read without the key, which has its own file. */
export class SecretBox {
  readonly #keyFile: string;
  #key: Buffer | undefined;

  /** The key is created when the first secret is sealed. */
  constructor(keyFile: string) {
    this.#keyFile = keyFile;
  }

  /** `place` names what the secret belongs to. Sealed for one place, it cannot be opened for another. */
  seal(secret: string, place: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(ALGORITHM, this.#createdKey(), nonce);
    cipher.setAAD(Buffer.from(place));
    const sealed = Buffer.concat([cipher.update(secret, "utf8"), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString("base64");
  }

  /** @throws LeverError `unavailable` when the key is not the one that it was sealed with. */
  open(sealed: string, place: string): string {
    const bytes = Buffer.from(sealed, "base64");
    const tagEnd = NONCE_BYTES + TAG_BYTES;
    try {
      const nonce = bytes.subarray(0, NONCE_BYTES);
      const decipher = createDecipheriv(ALGORITHM, readKey(this.#keyFile), nonce, {
        authTagLength: TAG_BYTES, // Without it Node accepts a tag of 4 bytes, which can be guessed.
      });
      decipher.setAAD(Buffer.from(place));
      decipher.setAuthTag(bytes.subarray(NONCE_BYTES, tagEnd));
      return decipher.update(bytes.subarray(tagEnd), undefined, "utf8") + decipher.final("utf8");
    } catch (error) {
      throw new LeverError(
        "unavailable",
        `Cannot read the secret ${place}: the key in ${this.#keyFile} is missing, or not the one that it was sealed with. Restore the key, or set the secret again.`,
        { cause: error },
      );
    }
  }

  /** Bytes of the secret that was sealed. */
  static bytesOf(sealed: string): number {
    return Buffer.byteLength(sealed, "base64") - NONCE_BYTES - TAG_BYTES;
  }

  #createdKey(): Buffer {
    this.#key ??= createKey(this.#keyFile);
    return this.#key;
  }
}

function readKey(file: string): Buffer {
  const key = readFileSync(file);
  if (key.length !== KEY_BYTES)
    throw new Error(`Cannot use the key: it has ${key.length} bytes, not ${KEY_BYTES}.`);
  return key;
}

/** Reads the key file, or creates it: complete, and synced to the disk before anything is sealed with it. */
function createKey(file: string): Buffer {
  try {
    return readKey(file);
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error) || error.code !== "ENOENT") throw error;
  }
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

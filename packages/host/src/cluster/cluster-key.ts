import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { LeverError } from "@leveros/protocol";
import { systemReason } from "../logs/system-reason.ts";

/** AES-256-GCM (NIST SP 800-38D): a key of 32 bytes, a nonce of 12 that is never used twice, a tag of 16. */
const ALGORITHM = "aes-256-gcm";
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const ID_BYTES = 6;

/**
 * The key that seals the secrets of a cluster: 32 bytes in a file that all hosts have, as base64 in one line. A sealed secret
 * begins with the key's id, so that a wrong key is named and not only noticed.
 */
export class ClusterKey {
  /** Derived from the key. It tells nothing about it. */
  readonly id: string;
  readonly #key: Buffer;

  /** The content of a new key file. */
  static create(): string {
    return `${randomBytes(KEY_BYTES).toString("base64")}\n`;
  }

  /** @throws LeverError `unavailable` with the remedy */
  static read(file: string): ClusterKey {
    const key = Buffer.from(readText(file), "base64");
    if (key.length === KEY_BYTES) return new ClusterKey(key);
    throw unusable(
      `${file} has ${key.length} bytes of base64, not ${KEY_BYTES}. Copy the file of another host of the cluster; for a new cluster, make one: lever cluster key new > ${file}`,
    );
  }

  private constructor(key: Buffer) {
    this.#key = key;
    this.id = createHash("sha256")
      .update("lever cluster key id")
      .update(key)
      .digest("base64url")
      .slice(0, ID_BYTES);
  }

  /** `place` names what the secret belongs to. Sealed for one place, it cannot be opened for another. */
  seal(secret: string, place: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(ALGORITHM, this.#key, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(Buffer.from(place));
    const sealed = Buffer.concat([cipher.update(secret, "utf8"), cipher.final()]);
    const bytes = Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
    return `${this.id}.${bytes.toString("base64")}`;
  }

  /** @throws LeverError `unavailable` when it was sealed with another key, for another place, or changed */
  open(sealed: string, place: string): string {
    const [id = "", text = ""] = sealed.split(".");
    if (id !== this.id) {
      throw unreadable(place, `it was sealed with the key ${id}, and this host has ${this.id}`);
    }
    const bytes = Buffer.from(text, "base64");
    const tagEnd = NONCE_BYTES + TAG_BYTES;
    try {
      const nonce = bytes.subarray(0, NONCE_BYTES);
      const decipher = createDecipheriv(ALGORITHM, this.#key, nonce, { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(place));
      decipher.setAuthTag(bytes.subarray(NONCE_BYTES, tagEnd));
      return decipher.update(bytes.subarray(tagEnd), undefined, "utf8") + decipher.final("utf8");
    } catch (error) {
      throw unreadable(place, "it was changed, or copied from another place", error);
    }
  }

  /** @throws LeverError `unavailable` when the secrets of the cluster are sealed with another key */
  checkId(idOfCluster: string): void {
    if (idOfCluster === this.id) return;
    throw unusable(
      `the secrets of this cluster are sealed with the key ${idOfCluster}, and this host has ${this.id}. Copy the key file of another host`,
    );
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const reason = systemReason(error);
    if (reason === undefined) throw error;
    throw unusable(
      `${file} cannot be read, because ${reason}. Copy the file of another host of the cluster; for a new cluster, make one: lever cluster key new > ${file}`,
    );
  }
}

function unusable(reason: string): LeverError {
  return new LeverError("unavailable", `Cannot use the key of the cluster: ${reason}.`);
}

function unreadable(place: string, reason: string, cause?: unknown): LeverError {
  return new LeverError(
    "unavailable",
    `Cannot read the secret ${place}: ${reason}. Set the secret again.`,
    { cause },
  );
}

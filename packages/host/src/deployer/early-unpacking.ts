import { rm } from "node:fs/promises";
import { Readable } from "node:stream";
import type { Limits } from "@leveros/protocol";
import { formatOf } from "./archive-format.ts";
import { type Unpacked, unpackArchive } from "./unpack-archive.ts";

/** More bytes than that do not wait for the unpacking: the upload does. */
const WAITING_BYTES_MAX = 1024 * 1024;

/**
 * Unpacks an archive while it is being received, into a folder of its own. It may fail for any reason: the archive is then
 * unpacked once it is complete, and that names the reason.
 */
export class EarlyUnpacking {
  readonly folder: string;
  readonly #waiting: Uint8Array[] = [];
  readonly #result: Promise<Unpacked | undefined>;
  #waitingBytes = 0;
  #isComplete = false;
  #isOver = false;
  #onArrived = (): void => {};
  #onTaken = (): void => {};

  /** `first` = the first bytes of the archive, which `add` gets, too. */
  constructor(
    first: Uint8Array,
    folder: string,
    limits: Pick<Limits, "unpackedBytesMax" | "archiveEntriesMax">,
  ) {
    this.folder = folder;
    const archive = { format: formatOf(first), bytes: Readable.from(this.#take()) };
    this.#result = unpackArchive(archive, folder, limits)
      .catch(async () => {
        await this.#removeFolder();
        return undefined;
      })
      .finally(() => {
        this.#isOver = true;
        this.#onTaken();
      });
  }

  /** Resolves when the next bytes may come. */
  async add(bytes: Uint8Array): Promise<void> {
    if (this.#isOver) return;
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    this.#onArrived();
    while (this.#waitingBytes > WAITING_BYTES_MAX && !this.#isOver) {
      await new Promise<void>((resolve) => {
        this.#onTaken = resolve;
      });
    }
  }

  /** Call it after the last bytes. Returns what was unpacked; undefined = it has failed, and left nothing. */
  async end(): Promise<Unpacked | undefined> {
    this.#isComplete = true;
    this.#onArrived();
    return await this.#result;
  }

  /** Removes what was unpacked, also when more bytes were to come. */
  async remove(): Promise<void> {
    this.#isComplete = true;
    this.#onArrived();
    await this.#result;
    await this.#removeFolder();
  }

  async #removeFolder(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  async *#take(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const bytes = this.#waiting.shift();
      if (bytes !== undefined) {
        this.#waitingBytes -= bytes.length;
        this.#onTaken();
        yield bytes;
      } else if (this.#isComplete) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#onArrived = resolve;
        });
      }
    }
  }
}

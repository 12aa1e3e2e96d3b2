import { CHUNK_BYTES } from "./frame.ts";

// Only processes of Node's share memory.
declare const process: { readonly env: Readonly<Record<string, string | undefined>> };

/** A chunk of a message, and room for the names that come before the first one of a call. */
const SLOT_BYTES: number = CHUNK_BYTES + 4 * 1024;
/**
 * What is in a slot is not kept elsewhere meanwhile, so many cost a host no more than what waits for an instance costs anyway, and
 * let go of its callers' bodies sooner; an instance's count as its own memory.
 */
const SLOTS = { host: 240, instance: 64 };
/** What a header can name. */
const SLOTS_MAX = 255;
/** For what cannot wait: the openings of calls. */
const SLOTS_RESERVED = 16;
/** A smaller payload is sooner copied with its frame than by two calls of the system. */
const SHARED_BYTES_MIN: number = 16 * 1024;

/** They follow the link's own. */
const INCOMING_FD = 4;
const OUTGOING_FD = 5;

/** In the environment of a process: `yes` = its link is followed by two files to share, what it receives, and what it sends. */
export const SHARES_MEMORY = "LEVER_SHARES_MEMORY";

/** A file that both ends of a link have open. What the other end writes there it may change at any time. */
export interface MemoryFile {
  /** Returns how many bytes there were. */
  read(target: Uint8Array, position: number): number;
  /** Returns for how many bytes there was room. */
  write(bytes: Uint8Array, position: number): number;
  /** Empties it, which gives its memory back. */
  clear(): void;
}

/** What one end of a link shares with the other: a file for each direction. */
export interface SharedMemory {
  readonly outgoing: MemoryFile;
  readonly incoming: MemoryFile;
}

/** Of Node's `fs`. */
interface FileCalls {
  readSync(
    fd: number,
    target: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): number;
  writeSync(
    fd: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): number;
  ftruncateSync(fd: number, bytes: number): void;
}

/** A file by its descriptor, until that `isClosed`: its number may be another's then. */
export function memoryFile(
  fd: number,
  { readSync, writeSync, ftruncateSync }: FileCalls,
  isClosed: () => boolean = () => false,
): MemoryFile {
  return {
    read: (target, position) => (isClosed() ? 0 : readSync(fd, target, 0, target.length, position)),
    write: (bytes, position) => (isClosed() ? 0 : writeSync(fd, bytes, 0, bytes.length, position)),
    clear: () => {
      if (!isClosed()) ftruncateSync(fd, 0);
    },
  };
}

/** What a process was given by whoever started it; undefined = nothing. `fs` is Node's. */
export function inheritedMemory(fs: FileCalls): SharedMemory | undefined {
  if (process.env[SHARES_MEMORY] !== "yes") return undefined;
  return { incoming: memoryFile(INCOMING_FD, fs), outgoing: memoryFile(OUTGOING_FD, fs) };
}

/**
 * The slots of a direction, as its sender sees them. A slot has one payload, and is written again only after the receiver has
 * said that it has read it, which it does in the order in which they were sent.
 */
export class OutgoingSlots {
  readonly #file: MemoryFile;
  /** From 1. The last comes first: those used before have their memory already, and are in the processor's cache. */
  readonly #free: number[];
  /** In the order in which they were sent. */
  readonly #used: number[] = [];
  #putBytes = 0;
  #isInUse = false;

  constructor(file: MemoryFile, side: "host" | "instance") {
    this.#file = file;
    this.#free = Array.from({ length: SLOTS[side] }, (_, index) => SLOTS[side] - index);
  }

  /** False = large payloads that can wait should, until some have been read. */
  get hasRoom(): boolean {
    return this.#free.length > SLOTS_RESERVED;
  }

  /** Copies a payload, and returns the number of the slot that has it; 0 = it is none for a slot, or there is no room. */
  put(head: Uint8Array | undefined, body: Uint8Array): number {
    const headBytes = head === undefined ? 0 : head.length;
    const bytes = headBytes + body.length;
    if (body.length < SHARED_BYTES_MIN || bytes > SLOT_BYTES) return 0;
    const slot = this.#free.at(-1);
    if (slot === undefined || !this.#write(slot, head, body)) return 0;
    this.#free.pop();
    this.#used.push(slot);
    this.#putBytes += bytes;
    this.#isInUse = true;
    return slot;
  }

  /** False = the system has no memory for it. */
  #write(slot: number, head: Uint8Array | undefined, body: Uint8Array): boolean {
    const position = (slot - 1) * SLOT_BYTES;
    const headBytes = head === undefined ? 0 : head.length;
    try {
      if (head !== undefined && this.#file.write(head, position) < headBytes) return false;
      return this.#file.write(body, position + headBytes) === body.length;
    } catch {
      return false;
    }
  }

  /** The receiver has read so many. @throws Error when there are not so many. */
  free(count: number): void {
    if (count > this.#used.length) {
      throw new Error(`Cannot free ${count} slots: ${this.#used.length} are used.`);
    }
    this.#free.push(...this.#used.splice(0, count));
  }

  /** Bytes put since it was last asked. */
  takePutBytes(): number {
    const bytes = this.#putBytes;
    this.#putBytes = 0;
    return bytes;
  }

  /** Gives the memory back unless it has been used since this was called last; true = there is none to be given back. */
  clearUnused(): boolean {
    const mayClear = !this.#isInUse && this.#used.length === 0;
    this.#isInUse = false;
    if (mayClear) this.#file.clear();
    return mayClear;
  }
}

const NOTHING_READ = { slots: 0, bytes: 0 };

/** The slots of a direction, as their receiver sees them. */
export class IncomingSlots {
  readonly #file: MemoryFile;
  #slotsRead = 0;
  #bytesRead = 0;

  constructor(file: MemoryFile) {
    this.#file = file;
  }

  /** Copies the payload that is in a slot. @throws Error when it is not there. */
  read(slot: number, target: Uint8Array): void {
    // They are free again only when the sender has been told.
    if (++this.#slotsRead > SLOTS_MAX) {
      throw new Error("Cannot read a frame: there are not so many slots.");
    }
    const { length } = target;
    if (length > SLOT_BYTES || this.#file.read(target, (slot - 1) * SLOT_BYTES) < length) {
      throw new Error(`Cannot read a frame: slot ${slot} does not have its ${length} bytes.`);
    }
    this.#bytesRead += length;
  }

  /** What has been read since this was called last: the sender is to be told how many slots. */
  takeRead(): { slots: number; bytes: number } {
    if (this.#slotsRead === 0) return NOTHING_READ;
    const read = { slots: this.#slotsRead, bytes: this.#bytesRead };
    this.#slotsRead = 0;
    this.#bytesRead = 0;
    return read;
  }
}

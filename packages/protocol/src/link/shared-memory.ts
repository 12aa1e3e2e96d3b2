import { CHUNK_BYTES } from "./frame.ts";

// Provided by Node, the only platform on which processes share memory.
declare const process: { readonly env: Readonly<Record<string, string | undefined>> };

/** A chunk of a message, and the names that precede the first chunk of a call. */
const SLOT_BYTES: number = CHUNK_BYTES + 4 * 1024;
/**
 * Slots per sender. A payload in a slot has no other copy, so the slots of a host, which listens, cost no more than
 * queued calls would, and they release the callers' bodies sooner. An instance's slots count as its memory, so it has fewer.
 */
const SLOTS = { listener: 240, dialler: 64 };
/** The header has 8 bits for the slot; 0 = none. */
const SLOTS_MAX = 255;
/** Kept free for OPEN frames, which cannot wait. */
const SLOTS_RESERVED = 16;
/** Copying a smaller payload into its frame is faster than the two system calls that a slot takes. */
const SHARED_BYTES_MIN: number = 16 * 1024;

/** The descriptors after the link's own. */
const INCOMING_FD = 4;
const OUTGOING_FD = 5;

/** Environment variable: `yes` = two files follow the link's descriptor, for the payloads received and those sent. */
export const SHARES_MEMORY = "LEVER_SHARES_MEMORY";

/** A file that both ends of a link have open. The other end may change its contents at any time. */
export interface MemoryFile {
  /** Returns the number of bytes read. */
  read(target: Uint8Array, position: number): number;
  /** Returns the number of bytes written. */
  write(bytes: Uint8Array, position: number): number;
  /** Truncates the file, which releases its memory. */
  clear(): void;
}

/** The memory that both ends of a link share: one file for each direction. */
export interface SharedMemory {
  readonly outgoing: MemoryFile;
  readonly incoming: MemoryFile;
}

/** The functions of node:fs that are used. */
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

/** A file by its descriptor. Once `isClosed` returns true it is not used: the number may belong to another file. */
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

/** The shared memory that this process inherited from its parent; undefined = none. */
export function inheritedMemory(fs: FileCalls): SharedMemory | undefined {
  if (process.env[SHARES_MEMORY] !== "yes") return undefined;
  return { incoming: memoryFile(INCOMING_FD, fs), outgoing: memoryFile(OUTGOING_FD, fs) };
}

/**
 * The sender's view of one direction's slots. A slot holds one payload. It is reused only after the receiver has reported
 * that it has read the payload. The receiver reads slots in the order in which they were sent.
 */
export class OutgoingSlots {
  readonly #file: MemoryFile;
  /** Numbered from 1. Last in, first out: recently used slots have memory and are in the processor's cache. */
  readonly #free: number[];
  /** In the order of sending. */
  readonly #used: number[] = [];
  #putBytes = 0;
  #isInUse = false;

  constructor(file: MemoryFile, side: "dialler" | "listener") {
    this.#file = file;
    this.#free = Array.from({ length: SLOTS[side] }, (_, index) => SLOTS[side] - index);
  }

  /** False = large payloads that can wait must wait until slots have been read. */
  get hasFreeSlots(): boolean {
    return this.#free.length > SLOTS_RESERVED;
  }

  /** Copies a payload into a slot and returns its number; 0 = the payload does not fit a slot, or none is free. */
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

  /** False = the system has no memory left. */
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

  /** The receiver has read `count` slots. @throws Error when fewer are used. */
  free(count: number): void {
    if (count > this.#used.length) {
      throw new Error(`Cannot free ${count} slots: ${this.#used.length} are used.`);
    }
    this.#free.push(...this.#used.splice(0, count));
  }

  /** Bytes put since the last call. */
  takePutBytes(): number {
    const bytes = this.#putBytes;
    this.#putBytes = 0;
    return bytes;
  }

  /** Releases the memory unless it was used since the last call. True = none is left to release. */
  clearUnused(): boolean {
    const mayClear = !this.#isInUse && this.#used.length === 0;
    this.#isInUse = false;
    if (mayClear) this.#file.clear();
    return mayClear;
  }
}

const NOTHING_READ = { slots: 0, bytes: 0 };

/** The receiver's view of one direction's slots. */
export class IncomingSlots {
  readonly #file: MemoryFile;
  #slotsRead = 0;
  #bytesRead = 0;

  constructor(file: MemoryFile) {
    this.#file = file;
  }

  /** Copies the payload out of a slot. @throws Error when it is not there. */
  read(slot: number, target: Uint8Array): void {
    // A slot becomes free only when the sender receives SLOTS_READ.
    if (++this.#slotsRead > SLOTS_MAX) {
      throw new Error("Cannot read a frame: the peer used more slots than there are.");
    }
    const { length } = target;
    if (length > SLOT_BYTES || this.#file.read(target, (slot - 1) * SLOT_BYTES) < length) {
      throw new Error(
        `Cannot read a frame: slot ${slot} does not contain the ${length} bytes of its payload.`,
      );
    }
    this.#bytesRead += length;
  }

  /** Slots and bytes read since the last call. The link reports the slots to the sender. */
  takeRead(): { slots: number; bytes: number } {
    if (this.#slotsRead === 0) return NOTHING_READ;
    const read = { slots: this.#slotsRead, bytes: this.#bytesRead };
    this.#slotsRead = 0;
    this.#bytesRead = 0;
    return read;
  }
}

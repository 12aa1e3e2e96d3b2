import { Header } from "tar/header";
import { Pax } from "tar/pax";

const BLOCK_BYTES = 512;
/** Most bytes of one header with a long name or other attributes. */
const ATTRIBUTES_BYTES_MAX = 64 * 1024;
const NOTHING: Buffer = Buffer.alloc(0);

/** An entry of a tar archive. */
export interface TarEntry {
  /** As the library `tar` calls it: `File`, `Directory`, `SymbolicLink`, … */
  readonly type: string;
  readonly path: string;
  /** `""` for an entry that is no link. */
  readonly linkpath: string;
  readonly mode: number;
  /** Bytes of its content. */
  readonly size: number;
}

export interface TarListener {
  onEntry(entry: TarEntry): void;
  /** A piece of the last entry's content, a view of what was pushed. */
  onContent(piece: Buffer): void;
  /** All content of the last entry has come. */
  onEntryEnd(): void;
}

/** Headers that describe the entry that follows, or all that follow. */
type Attributes = ConstructorParameters<typeof Header>[2];

/**
 * Splits a tar archive into its entries, as it arrives. The library `tar` reads and writes headers; its own parser, with a stream
 * for each entry, takes several times as long for small files.
 */
export class TarReader {
  readonly #listener: TarListener;
  /** The first bytes of a header that has arrived in part. */
  #head: Buffer = NOTHING;
  /** Bytes of the content that have not arrived, and of the padding behind it. */
  #contentLeft = 0;
  #paddingLeft = 0;
  /** The type of the header whose content are attributes; undefined = the content is that of an entry. */
  #attributesType: string | undefined;
  #attributes: Buffer[] = [];
  /** Attributes of the next entry, and of all that follow. */
  #next: Attributes;
  #all: Attributes;
  #hasEntry = false;
  #isAfterEmptyBlock = false;
  /** Two empty blocks end an archive. */
  #hasEnded = false;

  constructor(listener: TarListener) {
    this.#listener = listener;
  }

  /** @throws Error with `code`, `TAR_…`, when it is no tar archive; and what the listener throws. Then do not use it again. */
  push(chunk: Buffer): void {
    for (let at = 0; at < chunk.length && !this.#hasEnded; ) {
      if (this.#contentLeft > 0) at = this.#pass(chunk, at);
      else if (this.#paddingLeft > 0) {
        const skipped = Math.min(this.#paddingLeft, chunk.length - at);
        this.#paddingLeft -= skipped;
        at += skipped;
      } else at = this.#readBlock(chunk, at);
    }
  }

  /** Call it after the last bytes. @throws as `push` */
  end(): void {
    if (this.#contentLeft + this.#paddingLeft > 0) throw notTar("it is cut off");
    if (!this.#hasEntry) throw notTar("it has no entries");
  }

  #pass(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#contentLeft);
    this.#contentLeft -= end - at;
    const piece = chunk.subarray(at, end);
    if (this.#attributesType === undefined) this.#listener.onContent(piece);
    else this.#attributes.push(piece);
    if (this.#contentLeft === 0) this.#endContent();
    return end;
  }

  #endContent(): void {
    if (this.#attributesType === undefined) {
      this.#listener.onEntryEnd();
      return;
    }
    this.#readAttributes(this.#attributesType, Buffer.concat(this.#attributes).toString());
    this.#attributesType = undefined;
    this.#attributes = [];
  }

  #readBlock(chunk: Buffer, at: number): number {
    if (this.#head.length === 0 && chunk.length - at >= BLOCK_BYTES) {
      this.#readHeader(chunk, at);
      return at + BLOCK_BYTES;
    }
    const end = Math.min(chunk.length, at + BLOCK_BYTES - this.#head.length);
    this.#head = Buffer.concat([this.#head, chunk.subarray(at, end)]);
    if (this.#head.length === BLOCK_BYTES) {
      this.#readHeader(this.#head, 0);
      this.#head = NOTHING;
    }
    return end;
  }

  #readHeader(block: Buffer, at: number): void {
    const header = readHeader(block, at, this.#next, this.#all);
    if (header.nullBlock) {
      this.#hasEnded = this.#isAfterEmptyBlock;
      this.#isAfterEmptyBlock = true;
      return;
    }
    this.#isAfterEmptyBlock = false;
    const { path = "", linkpath = "", mode = 0, size = 0 } = header;
    const type = String(header.type);
    if (!header.cksumValid) throw notTar("the checksum of a header is wrong");
    if (path === "") throw notTar("an entry has no name");
    const isLink = type === "Link" || type === "SymbolicLink";
    const hasAttributes = ATTRIBUTES.has(type);
    if (isLink && linkpath === "") throw notTar("a link leads to nothing");
    if (!isLink && !hasAttributes && linkpath !== "") throw notTar("a file is also a link");
    if (!Number.isSafeInteger(size)) throw notTar("the size of an entry is no number of bytes");
    this.#contentLeft = size;
    this.#paddingLeft = (BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES;
    this.#hasEntry = true;
    if (hasAttributes) {
      if (size > ATTRIBUTES_BYTES_MAX) throw notTar("the attributes of an entry are too long");
      this.#attributesType = type;
    } else {
      this.#next = undefined;
      this.#listener.onEntry({ type, path, linkpath, mode, size });
    }
    if (size === 0) this.#endContent();
  }

  #readAttributes(type: string, text: string): void {
    switch (type) {
      case "GlobalExtendedHeader":
        this.#all = Pax.parse(text, this.#all, true);
        return;
      case "NextFileHasLongPath":
      case "OldGnuLongPath":
        this.#next = { ...this.#next, path: text.replace(/\0.*/s, "") };
        return;
      case "NextFileHasLongLinkpath":
        this.#next = { ...this.#next, linkpath: text.replace(/\0.*/s, "") };
        return;
      default:
        this.#next = Pax.parse(text, this.#next, false);
    }
  }
}

const ATTRIBUTES: ReadonlySet<string> = new Set([
  "ExtendedHeader",
  "OldExtendedHeader",
  "GlobalExtendedHeader",
  "NextFileHasLongPath",
  "OldGnuLongPath",
  "NextFileHasLongLinkpath",
]);

function readHeader(block: Buffer, at: number, next: Attributes, all: Attributes): Header {
  try {
    return new Header(block, at, next, all);
  } catch (cause) {
    throw notTar(cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function notTar(reason: string, cause?: unknown): Error {
  return Object.assign(new Error(reason, { cause }), { code: "TAR_INVALID" });
}

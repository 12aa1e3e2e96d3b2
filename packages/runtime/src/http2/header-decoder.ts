import { COMPRESSION_ERROR, Http2Error } from "./frame.ts";
import { decodeHuffman } from "./huffman.ts";
import { type HeaderField, STATIC_TABLE } from "./static-table.ts";

/** The size of the dynamic table that an encoder may use unless a setting says otherwise, and what each entry adds to it. */
const TABLE_BYTES_MAX = 4_096;
const ENTRY_BYTES = 32;
/** Decoded blocks that are remembered: most of a peer's blocks are the same. */
const REMEMBERED_MAX = 16;
const REMEMBERED_BYTES_MAX = 512;

export type Headers = Readonly<Record<string, string | undefined>>;

interface DecoderOptions<Head> {
  /**
   * Bytes of the fields of one block, each counted as in the table. Later fields of a longer list are dropped: a short block
   * can refer to long entries of the table again and again.
   */
  readonly listBytesMax: number;
  /** Reads the fields of a block, names and values in turn. The result is used again for an equal block. */
  readonly read: (fields: readonly string[], isTooLong: boolean) => Head;
}

/** Decodes the header blocks of one connection, in their order (RFC 7541). */
export class HeaderDecoder<Head> {
  readonly #options: DecoderOptions<Head>;
  /** The newest entry comes first. */
  #table: HeaderField[] = [];
  #tableBytes = 0;
  #tableBytesMax = TABLE_BYTES_MAX;
  /** Blocks that did not change the table, as it is now. */
  readonly #remembered = new Map<string, Head>();
  #block: Buffer = Buffer.alloc(0);
  #at = 0;
  #fields: string[] = [];
  #listBytes = 0;

  constructor(options: DecoderOptions<Head>) {
    this.#options = options;
  }

  /** @throws Http2Error when the block is malformed. */
  decode(block: Buffer): Head {
    const key = block.length <= REMEMBERED_BYTES_MAX ? block.toString("latin1") : undefined;
    const known = key === undefined ? undefined : this.#remembered.get(key);
    if (known !== undefined) return known;
    this.#block = block;
    this.#at = 0;
    this.#fields = [];
    this.#listBytes = 0;
    let isPlain: boolean;
    try {
      isPlain = this.#readFields();
    } catch (error) {
      throw new Http2Error(COMPRESSION_ERROR, error instanceof Error ? error.message : `${error}`);
    }
    const { listBytesMax, read } = this.#options;
    const head = read(this.#fields, this.#listBytes > listBytesMax);
    if (!isPlain || this.#remembered.size === REMEMBERED_MAX) this.#remembered.clear();
    if (isPlain && key !== undefined) this.#remembered.set(key, head);
    return head;
  }

  /** False = the table has changed. */
  #readFields(): boolean {
    let isPlain = true;
    while (this.#at < this.#block.length) {
      const first = this.#block[this.#at] ?? 0;
      if ((first & 0x80) !== 0) {
        this.#push(this.#entry(this.#integer(7)));
      } else if ((first & 0xe0) === 0x20) {
        // Only at the beginning of a block (section 4.2).
        if (this.#listBytes > 0) throw new Error("the table of headers changes within a block");
        isPlain = false;
        this.#resize(this.#integer(5));
      } else {
        const isAdded = (first & 0x40) !== 0;
        const index = this.#integer(isAdded ? 6 : 4);
        const name = index === 0 ? this.#text() : this.#entry(index)[0];
        const field: HeaderField = [name, this.#text()];
        this.#push(field);
        if (isAdded) {
          isPlain = false;
          this.#add(field);
        }
      }
    }
    return isPlain;
  }

  #push(field: HeaderField): void {
    this.#listBytes += bytesOf(field);
    if (this.#listBytes <= this.#options.listBytesMax) this.#fields.push(field[0], field[1]);
  }

  #entry(index: number): HeaderField {
    const field = STATIC_TABLE[index - 1] ?? this.#table[index - 1 - STATIC_TABLE.length];
    if (field === undefined) throw new Error(`a header has the unknown index ${index}`);
    return field;
  }

  #add(field: HeaderField): void {
    this.#table.unshift(field);
    this.#tableBytes += bytesOf(field);
    this.#evict();
  }

  #resize(bytesMax: number): void {
    if (bytesMax > TABLE_BYTES_MAX) throw new Error("the table of headers is too large");
    this.#tableBytesMax = bytesMax;
    this.#evict();
  }

  #evict(): void {
    while (this.#tableBytes > this.#tableBytesMax) {
      const field = this.#table.pop();
      if (field !== undefined) this.#tableBytes -= bytesOf(field);
    }
  }

  /** An integer whose first bits are the last ones of a byte (section 5.1). */
  #integer(prefixBits: number): number {
    const prefixMax = 2 ** prefixBits - 1;
    let value = this.#byte() & prefixMax;
    if (value < prefixMax) return value;
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = this.#byte();
      value += (byte & 0x7f) << shift;
      if ((byte & 0x80) === 0) return value;
    }
    throw new Error("a number in a header is too large");
  }

  #text(): string {
    const isCoded = ((this.#block[this.#at] ?? 0) & 0x80) !== 0;
    const length = this.#integer(7);
    const start = this.#at;
    const end = start + length;
    if (end > this.#block.length) throw new Error("a header is cut off");
    this.#at = end;
    if (isCoded) return decodeHuffman(this.#block.subarray(start, end));
    return this.#block.toString("latin1", start, end);
  }

  #byte(): number {
    const byte = this.#block[this.#at];
    if (byte === undefined) throw new Error("a header is cut off");
    this.#at++;
    return byte;
  }
}

/** Headers by their names. Of fields with one name, the last one counts. */
export function lastValues(fields: readonly string[]): Headers {
  const headers = Object.create(null) as Record<string, string>;
  for (let at = 0; at < fields.length; at += 2) headers[fields[at] ?? ""] = fields[at + 1] ?? "";
  return headers;
}

function bytesOf([name, value]: HeaderField): number {
  return name.length + value.length + ENTRY_BYTES;
}

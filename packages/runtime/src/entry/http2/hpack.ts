import { decodeHuffman } from "./huffman.ts";

/** The static table (RFC 7541, appendix A). */
const STATIC: readonly HeaderField[] = `:authority
:method GET
:method POST
:path /
:path /index.html
:scheme http
:scheme https
:status 200
:status 204
:status 206
:status 304
:status 400
:status 404
:status 500
accept-charset
accept-encoding gzip, deflate
accept-language
accept-ranges
accept
access-control-allow-origin
age
allow
authorization
cache-control
content-disposition
content-encoding
content-language
content-length
content-location
content-range
content-type
cookie
date
etag
expect
expires
from
host
if-match
if-modified-since
if-none-match
if-range
if-unmodified-since
last-modified
link
location
max-forwards
proxy-authenticate
proxy-authorization
range
referer
refresh
retry-after
server
set-cookie
strict-transport-security
transfer-encoding
user-agent
vary
via
www-authenticate`
  .split("\n")
  .map((line) => {
    const [, name = "", value = ""] = /^(\S+) ?(.*)$/.exec(line) ?? [];
    return [name, value];
  });

type HeaderField = readonly [name: string, value: string];
export type Headers = Readonly<Record<string, string | undefined>>;

/** The size of the dynamic table that an encoder may use unless a setting says otherwise, and what each entry adds to it. */
const TABLE_BYTES_MAX = 4_096;
const ENTRY_BYTES = 32;
/** Decoded blocks that are remembered. A program's responses have few different ones. */
const REMEMBERED_MAX = 16;

/** Decodes the header blocks of one connection, in their order (RFC 7541). */
export class HeaderDecoder {
  /** The newest entry comes first. */
  #table: HeaderField[] = [];
  #tableBytes = 0;
  #tableBytesMax = TABLE_BYTES_MAX;
  /** Blocks that did not change the table, as it is now. */
  readonly #remembered = new Map<string, Headers>();
  #block: Buffer = Buffer.alloc(0);
  #at = 0;

  /** Decodes a block. Of fields with one name, the last one counts. @throws Error when the block is malformed. */
  decode(block: Buffer): Headers {
    const key = block.toString("latin1");
    const known = this.#remembered.get(key);
    if (known !== undefined) return known;
    this.#block = block;
    this.#at = 0;
    let isPlain = true;
    const headers: Record<string, string> = Object.create(null) as Record<string, string>;
    while (this.#at < block.length) {
      const first = block[this.#at] ?? 0;
      if ((first & 0x80) !== 0) {
        const [name, value] = this.#entry(this.#integer(7));
        headers[name] = value;
      } else if ((first & 0xe0) === 0x20) {
        isPlain = false;
        this.#resize(this.#integer(5));
      } else {
        const isAdded = (first & 0x40) !== 0;
        const index = this.#integer(isAdded ? 6 : 4);
        const name = index === 0 ? this.#text() : this.#entry(index)[0];
        const value = this.#text();
        headers[name] = value;
        if (isAdded) {
          isPlain = false;
          this.#add([name, value]);
        }
      }
    }
    if (!isPlain || this.#remembered.size === REMEMBERED_MAX) this.#remembered.clear();
    if (isPlain) this.#remembered.set(key, headers);
    return headers;
  }

  #entry(index: number): HeaderField {
    const field = STATIC[index - 1] ?? this.#table[index - 1 - STATIC.length];
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
    const end = this.#at + length;
    if (end > this.#block.length) throw new Error("a header is cut off");
    const bytes = this.#block.subarray(this.#at, end);
    this.#at = end;
    return isCoded ? decodeHuffman(bytes) : bytes.toString("latin1");
  }

  #byte(): number {
    const byte = this.#block[this.#at];
    if (byte === undefined) throw new Error("a header is cut off");
    this.#at++;
    return byte;
  }
}

function bytesOf([name, value]: HeaderField): number {
  return name.length + value.length + ENTRY_BYTES;
}

/**
 * Encodes a header so that it depends on no table: the program's settings, which arrive later than the first calls, do not
 * matter for it.
 */
export function encodeHeader(name: string, value: string): Buffer {
  return Buffer.concat([encodeName(name), encodeText(value)]);
}

/** Encodes the name of a header, which its value follows. */
export function encodeName(name: string): Buffer {
  return Buffer.concat([Buffer.from([0]), encodeText(name)]);
}

function encodeText(text: string): Buffer {
  const bytes = Buffer.from(text, "latin1");
  return Buffer.concat([Buffer.from(encodeLength(bytes.length)), bytes]);
}

/** The bytes of a length with a prefix of 7 bits. */
function encodeLength(length: number): number[] {
  if (length < 127) return [length];
  const bytes = [127];
  let rest = length - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return [...bytes, rest];
}

/** Writes the header block of one request into memory that is used again for the next one. */
export class HeaderBlock {
  #buffer: Buffer;
  #end = 0;

  /** `bytesMax`: no block is longer. */
  constructor(bytesMax: number) {
    this.#buffer = Buffer.allocUnsafeSlow(bytesMax);
  }

  /** Begins a block with encoded headers. */
  begin(encoded: Buffer): this {
    encoded.copy(this.#buffer, 0);
    this.#end = encoded.length;
    return this;
  }

  /** Adds a header. `name`: encoded, without its value. `value`: ASCII. */
  add(name: Buffer, value: string): void {
    name.copy(this.#buffer, this.#end);
    let at = this.#end + name.length;
    if (value.length < 127) this.#buffer[at++] = value.length;
    else for (const byte of encodeLength(value.length)) this.#buffer[at++] = byte;
    this.#end = at + this.#buffer.write(value, at, "latin1");
  }

  /** The block: valid until the next one begins. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#end);
  }
}

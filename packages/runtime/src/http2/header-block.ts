import { STATIC_INDEX } from "./static-table.ts";

/*
 * Encodes headers so that they depend on no table: the peer's settings, which may arrive later than the first of them, do not
 * matter.
 */

/** Encodes a header as a literal. */
export function encodeHeader(name: string, value: string): Buffer {
  return Buffer.concat([encodeName(name), encodeText(value)]);
}

/** Encodes the name of a header, which its value follows. */
export function encodeName(name: string): Buffer {
  const index = STATIC_INDEX.get(name);
  if (index === undefined) return Buffer.concat([Buffer.of(0), encodeText(name)]);
  return Buffer.from(index < 15 ? [index] : [15, index - 15]);
}

/** Encodes a header as shortly as the static table allows. */
export function encodeField(name: string, value: string): Buffer {
  const index = STATIC_INDEX.get(`${name} ${value}`);
  return index === undefined || value === "" ? encodeHeader(name, value) : Buffer.of(0x80 | index);
}

/** Encodes headers in their order. */
export function encodeFields(headers: Readonly<Record<string, string | number>>): Buffer {
  const fields = Object.entries(headers).map(([name, value]) => encodeField(name, String(value)));
  return Buffer.concat(fields);
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

/** Frames of HTTP/2 (RFC 9113, section 4 and 6). */

export const DATA = 0;
export const HEADERS = 1;
export const PRIORITY = 2;
export const RST_STREAM = 3;
export const SETTINGS = 4;
export const PUSH_PROMISE = 5;
export const PING = 6;
export const GOAWAY = 7;
export const WINDOW_UPDATE = 8;
export const CONTINUATION = 9;

export const END_STREAM = 1;
export const ACK = 1;
export const END_HEADERS = 4;
export const PADDED = 8;
const WITH_PRIORITY = 32;

export const FRAME_HEADER_BYTES = 9;
/** Most bytes of a frame, unless a side allows more: the smallest allowance that there is. */
export const FRAME_BYTES_MAX = 16_384;

/** Error codes (section 7). */
export const NO_ERROR = 0;
export const PROTOCOL_ERROR = 1;
export const INTERNAL_ERROR = 2;
export const FLOW_CONTROL_ERROR = 3;
export const STREAM_CLOSED = 5;
export const FRAME_SIZE_ERROR = 6;
export const REFUSED_STREAM = 7;
export const CANCEL = 8;
export const COMPRESSION_ERROR = 9;
export const ENHANCE_YOUR_CALM = 11;

/** Identifiers of settings (section 6.5.2). */
export const ENABLE_PUSH = 2;
export const MAX_CONCURRENT_STREAMS = 3;
export const INITIAL_WINDOW_SIZE = 4;
export const MAX_FRAME_SIZE = 5;
export const MAX_HEADER_LIST_SIZE = 6;

/** The window of a stream and of a connection before any setting. */
export const DEFAULT_WINDOW_BYTES = 65_535;
export const WINDOW_BYTES_MAX = 0x7fff_ffff;

/** The first bytes of a client (section 3.4). */
export const PREFACE: Buffer = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** The other side breaks the protocol: the connection must end. */
export class Http2Error extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly id: number;
  readonly payload: Buffer;
}

/** Writes the header of a frame at an offset of a buffer. */
export function writeFrameHeader(
  to: Buffer,
  at: number,
  { length, type, flags, id }: { length: number; type: number; flags: number; id: number },
): void {
  to[at] = length >>> 16;
  to[at + 1] = length >>> 8;
  to[at + 2] = length;
  to[at + 3] = type;
  to[at + 4] = flags;
  to[at + 5] = id >>> 24;
  to[at + 6] = id >>> 16;
  to[at + 7] = id >>> 8;
  to[at + 8] = id;
}

export function encodeFrame(type: number, flags: number, id: number, payload: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + payload.length);
  writeFrameHeader(frame, 0, { length: payload.length, type, flags, id });
  frame.set(payload, FRAME_HEADER_BYTES);
  return frame;
}

export function encodeNumber(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value, 0);
  return bytes;
}

/** The payload of a SETTINGS frame. */
export function encodeSettings(
  settings: readonly (readonly [id: number, value: number])[],
): Buffer {
  const payload = Buffer.alloc(settings.length * SETTING_BYTES);
  for (const [index, [id, value]] of settings.entries()) {
    payload.writeUInt16BE(id, index * SETTING_BYTES);
    payload.writeUInt32BE(value, index * SETTING_BYTES + 2);
  }
  return payload;
}

export const SETTING_BYTES = 6;

export interface FrameListener {
  /** `payload` is valid only during the call. */
  onFrame(frame: Frame): void;
  /** A piece of a DATA frame without padding. `isEnd`: it is the last one of its stream. */
  onData(id: number, piece: Buffer, isEnd: boolean): void;
}

const NOTHING = Buffer.alloc(0);

/** Splits received bytes into frames. Content passes in the pieces in which it arrives. */
export class FrameReader {
  readonly #listener: FrameListener;
  /** A header that has arrived in part. */
  readonly #header: Buffer = Buffer.alloc(FRAME_HEADER_BYTES);
  #headerBytes = 0;
  #type = 0;
  #flags = 0;
  #id = 0;
  /** The payload that has arrived in part. */
  #payload: Buffer | undefined;
  #payloadBytes = 0;
  /** Bytes of a DATA frame that have not arrived. */
  #dataBytes = 0;
  #isStopped = false;

  constructor(listener: FrameListener) {
    this.#listener = listener;
  }

  /** @throws Http2Error when a frame is too large. */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && !this.#isStopped) {
      if (this.#dataBytes > 0) at = this.#passData(chunk, at);
      else if (this.#payload !== undefined) at = this.#addPayload(chunk, at, this.#payload);
      else at = this.#begin(chunk, at);
    }
  }

  /** Drops everything that follows. */
  stop(): void {
    this.#isStopped = true;
    this.#payload = undefined;
  }

  #begin(chunk: Buffer, at: number): number {
    if (this.#headerBytes === 0 && chunk.length - at >= FRAME_HEADER_BYTES) {
      return this.#beginFrame(chunk, at, chunk, at + FRAME_HEADER_BYTES);
    }
    const end = Math.min(chunk.length, at + FRAME_HEADER_BYTES - this.#headerBytes);
    this.#header.set(chunk.subarray(at, end), this.#headerBytes);
    this.#headerBytes += end - at;
    if (this.#headerBytes < FRAME_HEADER_BYTES) return end;
    this.#headerBytes = 0;
    return this.#beginFrame(this.#header, 0, chunk, end);
  }

  /** `header` at `from` is complete; the payload begins at `at` of the chunk. */
  #beginFrame(header: Buffer, from: number, chunk: Buffer, at: number): number {
    const length = header.readUIntBE(from, 3);
    if (length > FRAME_BYTES_MAX) {
      throw new Http2Error(FRAME_SIZE_ERROR, `a frame has ${length} bytes`);
    }
    const type = header[from + 3] ?? 0;
    const flags = header[from + 4] ?? 0;
    const id = header.readUInt32BE(from + 5) & WINDOW_BYTES_MAX;
    this.#type = type;
    this.#flags = flags;
    this.#id = id;
    if (type === DATA && (flags & PADDED) === 0) {
      if (length > 0) this.#dataBytes = length;
      else this.#listener.onData(id, NOTHING, (flags & END_STREAM) !== 0);
      return at;
    }
    const end = at + length;
    if (end <= chunk.length) {
      this.#listener.onFrame({ type, flags, id, payload: chunk.subarray(at, end) });
      return end;
    }
    this.#payload = Buffer.allocUnsafe(length);
    this.#payloadBytes = 0;
    return at;
  }

  #passData(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#dataBytes);
    this.#dataBytes -= end - at;
    const isEnd = this.#dataBytes === 0 && (this.#flags & END_STREAM) !== 0;
    this.#listener.onData(this.#id, chunk.subarray(at, end), isEnd);
    return end;
  }

  #addPayload(chunk: Buffer, at: number, payload: Buffer): number {
    const end = Math.min(chunk.length, at + payload.length - this.#payloadBytes);
    payload.set(chunk.subarray(at, end), this.#payloadBytes);
    this.#payloadBytes += end - at;
    if (this.#payloadBytes < payload.length) return end;
    this.#payload = undefined;
    this.#listener.onFrame({ type: this.#type, flags: this.#flags, id: this.#id, payload });
    return end;
  }
}

/** The payload of a HEADERS or DATA frame without padding and priority. @throws Http2Error when the padding is too long. */
export function withoutPadding({ type, flags, payload }: Frame): Buffer {
  const isPadded = (flags & PADDED) !== 0;
  const start = (isPadded ? 1 : 0) + (type === HEADERS && (flags & WITH_PRIORITY) !== 0 ? 5 : 0);
  const end = payload.length - (isPadded ? (payload[0] ?? 0) : 0);
  if (start > end) {
    throw new Http2Error(PROTOCOL_ERROR, "a frame has more padding than bytes");
  }
  return payload.subarray(start, end);
}

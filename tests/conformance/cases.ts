import { crc32 } from "node:zlib";

/** The outcome of a call, in the same form for every transport. Bytes are Buffers. */
export type Outcome =
  | { readonly result: unknown }
  | { readonly error: unknown }
  /** Lever's own refusal. */
  | { readonly code: string };

interface AnyCase {
  readonly name: string;
  /** Another service than the one under test. */
  readonly service?: string;
  readonly method: string;
  readonly args: readonly unknown[];
  /** It nests deeper than a protobuf message commonly may. */
  readonly nestsDeep?: boolean;
}

export interface RegularCase extends AnyCase {
  readonly timeoutMs?: number;
  readonly outcome: Outcome;
  /** The outcome for a caller of the same environment, if it differs. */
  readonly outcomeForService?: Outcome;
}

export interface StreamCase extends AnyCase {
  readonly sent: readonly unknown[];
  /** After `sent`: so many chunks of `CHUNK_BYTES`. */
  readonly sentChunks?: number;
  /** After everything is sent the stream is half-closed, but not by this case. */
  readonly keepsOpen?: true;
  /** The caller leaves when it has received so many messages. */
  readonly leavesAfter?: number;
  /** Bytes are received by number and CRC-32 only, as one object. */
  readonly folds?: true;
  readonly received: readonly unknown[];
  readonly receivedForService?: readonly unknown[];
  /** How it ends, when not well. */
  readonly failure?: Exclude<Outcome, { result: unknown }>;
}

/** The long run moves 100,000 small messages and 1 GiB of bytes each way on every transport. */
export const isLong: boolean = process.env["LEVER_TESTS"] === "long";
const SMALL_MESSAGES = isLong ? 100_000 : 2_000;
export const CHUNK_BYTES = 65_536;
export const CHUNKS = isLong ? 16_384 : 64;

export const chunk = (index: number): Buffer => Buffer.alloc(CHUNK_BYTES, index % 251);

/** Everything that a case sends, in order. */
export function* sentBy(of: StreamCase): Generator<unknown> {
  yield* of.sent;
  for (let i = 0; i < (of.sentChunks ?? 0); i++) yield chunk(i);
}

const crcOfChunks = (): number => {
  let crc = 0;
  for (let i = 0; i < CHUNKS; i++) crc = crc32(chunk(i), crc);
  return crc;
};
const folded = { bytes: CHUNKS * CHUNK_BYTES, crc: crcOfChunks() };

const nested = (depth: number): unknown => {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { d: value };
  return value;
};

const values: Readonly<Record<string, unknown>> = {
  null: null,
  true: true,
  false: false,
  zero: 0,
  "negative fraction": -1.5,
  "largest number": 1.7976931348623157e308,
  "smallest number": 5e-324,
  "2 to the 53": 2 ** 53,
  "empty text": "",
  unicode: 'é ß \u{1F600} \u2028 \0 \\ "',
  "long text": "x".repeat(100_000),
  "empty list": [],
  "empty object": {},
  "nested 30 deep": nested(30),
  "nested 1,000 deep": nested(1_000),
  "odd names": { "": 1, "a.b": [2], constructor: null, "é\n": {} },
};

const bytes = (size: number): Buffer => Buffer.alloc(size, "0123456789abcdef!");

export const regularCases: readonly RegularCase[] = [
  ...Object.entries(values).map(([name, value]) => ({
    name: `value: ${name}`,
    method: "echo",
    args: [value],
    outcome: { result: value },
    nestsDeep: name === "nested 1,000 deep",
  })),
  ...[0, 1, 65_535, 65_537, 1_000_000, 4 * 1024 * 1024].map((size) => ({
    name: `bytes: ${size}`,
    method: "echo",
    args: [bytes(size)],
    outcome: { result: bytes(size) },
  })),
  { name: "no arguments", method: "count", args: [], outcome: { result: 0 } },
  {
    name: "many arguments",
    method: "count",
    args: [1, "two", null, [4], {}],
    outcome: { result: 5 },
  },
  { name: "callback", method: "byCallback", args: ["x"], outcome: { result: "x" } },
  { name: "promise", method: "byPromise", args: ["x"], outcome: { result: "x" } },
  { name: "undefined is null", method: "nothing", args: [], outcome: { result: null } },
  {
    name: "date is text",
    method: "date",
    args: [],
    outcome: { result: "1970-01-01T00:00:00.000Z" },
  },
  { name: "error: text", method: "failText", args: [], outcome: { error: "no" } },
  {
    name: "error: object",
    method: "failObject",
    args: [],
    outcome: { error: { code: 42, why: [null] } },
  },
  {
    name: "error: bytes",
    method: "failBytes",
    args: [],
    outcome: { error: Buffer.from([0, 255]) },
  },
  {
    name: "deadline",
    method: "never",
    args: [],
    timeoutMs: 200,
    outcome: { code: "deadline_exceeded" },
  },
  { name: "unknown method", method: "missing", args: [], outcome: { code: "unknown_method" } },
  {
    name: "unknown service",
    service: "nobody",
    method: "echo",
    args: [1],
    outcome: { code: "unknown_service" },
  },
  {
    name: "private service",
    service: "private",
    method: "inside",
    args: [],
    outcome: { code: "private_service" },
    outcomeForService: { result: "in" },
  },
];

export const streamCases: readonly StreamCase[] = [
  {
    name: "echo",
    method: "echoChan",
    args: ["hi", 2],
    sent: [1, "é", null, [], { a: [true] }],
    received: [["hi", 2], 1, "é", null, [], { a: [true] }],
  },
  {
    name: "echo of bytes",
    method: "echoChan",
    args: [],
    sent: [bytes(1), bytes(100_000), bytes(3)],
    received: [bytes(1), bytes(100_000), bytes(3)],
  },
  {
    name: "push of small messages",
    method: "pushChan",
    args: [SMALL_MESSAGES],
    sent: [],
    received: Array.from({ length: SMALL_MESSAGES }, (_, i) => i),
  },
  {
    name: "push of bytes",
    method: "pushBytesChan",
    args: [300],
    sent: [],
    received: Array.from({ length: 300 }, (_, i) => Buffer.alloc(1_000, i)),
  },
  {
    name: "upload of small messages",
    method: "sumChan",
    args: [],
    sent: Array.from({ length: SMALL_MESSAGES }, (_, i) => i),
    received: [(SMALL_MESSAGES * (SMALL_MESSAGES - 1)) / 2],
  },
  {
    name: "push of a flood of bytes",
    method: "pushChunksChan",
    args: [CHUNKS, CHUNK_BYTES],
    sent: [],
    folds: true,
    received: [folded],
  },
  {
    name: "upload of a flood of bytes",
    method: "foldChan",
    args: [],
    sent: [],
    sentChunks: CHUNKS,
    received: [Buffer.from(`${folded.bytes} ${folded.crc}`)],
  },
  {
    name: "half-closed by the caller first",
    method: "afterEndChan",
    args: [],
    sent: [1, 2],
    received: ["ended", 1, 2],
  },
  {
    name: "half-closed by the method first",
    method: "firstChan",
    args: [],
    sent: [1, 2, 3],
    keepsOpen: true,
    received: [1],
  },
  { name: "ended by the method", method: "firstChan", args: [], sent: [1, 2, 3], received: [1] },
  {
    name: "left by the caller",
    method: "leaveChan",
    // The test puts the name of one call here, and asks the service whether the call was cancelled.
    args: [""],
    sent: [],
    keepsOpen: true,
    leavesAfter: 1,
    received: ["here"],
  },
  {
    name: "left by the method",
    method: "closeChan",
    args: [],
    sent: [],
    received: [1],
    failure: { error: "The method closed its stream before its end." },
  },
  {
    name: "error before the first message",
    method: "failEarlyChan",
    args: [],
    sent: [],
    received: [],
    failure: { error: { code: 7 } },
  },
  {
    name: "error after it",
    method: "failLateChan",
    args: [],
    sent: [],
    received: [1],
    failure: { error: { code: 7 } },
  },
  {
    name: "unknown streaming method",
    method: "missingChan",
    args: [],
    sent: [],
    received: [],
    failure: { code: "unknown_method" },
  },
  {
    name: "private service",
    service: "private",
    method: "insideChan",
    args: [],
    sent: [],
    received: [],
    receivedForService: ["in"],
    failure: { code: "private_service" },
  },
  {
    name: "unknown service",
    service: "nobody",
    method: "echoChan",
    args: [],
    sent: [],
    received: [],
    failure: { code: "unknown_service" },
  },
];
